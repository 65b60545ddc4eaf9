import { expect, test } from 'vitest'
import { type Alert, alertOf } from '../../../src/audit/alerts/alert.ts'
import { digestOf } from '../../../src/audit/alerts/digest.ts'
import type { Post } from '../../../src/audit/alerts/http-post.ts'
import { escapeHtml, inert, unlinked } from '../../../src/audit/alerts/inert-text.ts'
import { smtpMailer } from '../../../src/audit/alerts/mailer.ts'
import { email } from '../../../src/audit/alerts/targets/email.ts'
import { pagerduty } from '../../../src/audit/alerts/targets/pagerduty.ts'
import { slack } from '../../../src/audit/alerts/targets/slack.ts'
import { teams } from '../../../src/audit/alerts/targets/teams.ts'
import { webhook } from '../../../src/audit/alerts/targets/webhook.ts'
import { mailServer } from './mail-server.ts'
import { finding, incident, START } from './support.ts'

/** What strangers have put into names and agents of browsers. */
const HOSTILE = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg/onload=alert(1)>',
  "' onmouseover='alert(1)",
  '`onmouseover=alert(1)',
  '</title></td></table><h1>All is well</h1>',
  '<!channel> <!here> <@U012ABCDEF> <#C0123> <!subteam^S0123>',
  '<https://evil.example|Click to confirm>',
  '@channel @here @everyone',
  '[Click to confirm](https://evil.example)',
  '![](https://evil.example/pixel.png)',
  '*bold* _it_ ~gone~ `code` ```block```',
  '<at>everyone</at>',
  `{{DATE(2026-01-01T00:00:00Z,SHORT)}} ${'$'}{expression} @{outputs()}`,
  'Your session ended. Log in at https://evil.example/login or www.evil.example or evil.example',
  'ada\r\nBcc: eve@evil.example\r\n\r\nA body',
  'ada\nSubject: all is well',
  '\r\n.\r\nQUIT\r\n',
  '=?utf-8?q?=0d=0aBcc:_eve@evil.example?=',
  '\u001b[2J\u001b[31mred\u001b]0;title\u0007\u009b31m',
  '\u202egnp.exe\u202c \u2066isolated\u2069 \u200e\u200f\u061c',
  '\u0000\u0008\u000b\u000c\u007f\u0085\u2028\u2029',
  'zero\u200bwidth\u200c\u200d\ufeff\u{e0041}\u{e0001}',
  'half \ud800 of \udfff a pair',
  '","injected":true,"x":"',
  '\\u003cscript\\u003e',
  "'; DROP TABLE alerts; --",
  "=cmd|' /C calc'!A0",
  '%0d%0aSet-Cookie:%20a=b',
  'x'.repeat(10_240),
  '\u202e'.repeat(10_240),
  '𝕏'.repeat(10_240),
  '<'.repeat(10_240),
]

/** Control and format characters, line separators, halves of pairs. */
const NOT_INERT = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u

function hostileAlert(text: string): Alert {
  const found = finding({ rule: text, title: text, text, subject: text, session: text })
  const facts = { title: text, subject: text, session: text, network: text, findings: [found] }
  return alertOf(incident(facts), 'opened', {
    name: text,
    tenant: text,
    console: 'https://console.example',
  })
}

async function bodyOf(
  target: (post: Post) => ReturnType<typeof slack>,
  alert: Alert,
): Promise<string> {
  let sent = ''
  const post: Post = async ({ body }) => {
    sent = body
    return 'delivered'
  }
  await target(post).deliver(alert, { signal: AbortSignal.timeout(60_000) })
  return sent
}

/** All texts in a message, wherever they are. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : []
}

test.each(HOSTILE)('an alert is inert and bounded: %j', (text) => {
  const alert = hostileAlert(text)
  const many = Array.from({ length: 50 }, () => alert)

  for (const one of [alert, digestOf(many, { cause: 'overflow', at: START })]) {
    for (const part of textsOf(one)) {
      expect(part).not.toMatch(NOT_INERT)
      expect([...part].length).toBeLessThanOrEqual(1_000)
    }
    expect(JSON.stringify(one).length).toBeLessThan(16_384)
  }
})

test.each(HOSTILE)('a webhook carries it as data alone: %j', async (text) => {
  const now = (): number => START
  const secrets = [`whsec_${Buffer.alloc(32).toString('base64')}`]
  const alert = hostileAlert(text)

  const body = await bodyOf((post) => webhook(post, { secrets, now }), alert)

  expect(JSON.parse(body).data).toEqual(alert)
  expect(body).not.toMatch(NOT_INERT)
})

test.each(HOSTILE)('Slack shows it as text: %j', async (text) => {
  const message = JSON.parse(await bodyOf(slack, hostileAlert(text)))

  expect(message.text).not.toMatch(/[<>]|:\/\//)
  const markup = JSON.stringify(message).match(/"type":"mrkdwn"/g) ?? []
  expect(markup).toHaveLength(1)
  expect(message.blocks.at(-1).elements[0].text).toBe(
    '<https://console.example/incidents/incident-1|Open the incident>',
  )
  for (const { type, text: head, fields = [] } of message.blocks) {
    if (type === 'header') expect(head.text.length).toBeLessThanOrEqual(150 * 2)
    if (type === 'section') expect((head?.text ?? '').length).toBeLessThanOrEqual(3_000)
    for (const field of fields) expect(field.text.length).toBeLessThanOrEqual(2_000)
  }
  expect(textsOf(message.blocks.slice(0, -1)).join('\n')).not.toMatch(/:\/\/|\bevil\.example/)
})

test.each(HOSTILE)('Teams shows it as text: %j', async (text) => {
  const message = JSON.parse(await bodyOf(teams, hostileAlert(text)))
  const { body, actions } = message.attachments[0].content

  for (const block of body) {
    expect(block.type).toBe('RichTextBlock')
    for (const run of block.inlines) {
      expect(run.type).toBe('TextRun')
      expect(run.text).not.toMatch(/\{\{|\$\{|:\/\/|\bevil\.example/)
    }
  }
  expect(actions).toHaveLength(1)
  expect(JSON.stringify(message).length).toBeLessThan(28_000)
})

test.each(HOSTILE)('PagerDuty gets it as data: %j', async (text) => {
  const body = await bodyOf((post) => pagerduty(post, { routingKey: 'key' }), hostileAlert(text))

  const event = JSON.parse(body)
  expect(event.routing_key).toBe('key')
  expect([...event.payload.summary].length).toBeLessThanOrEqual(1_024)
  expect(event.dedup_key.length).toBeLessThanOrEqual(255)
})

test('a mail shows all of it as text, with the headers that are ours', async () => {
  const { port, received } = await mailServer()
  const mailer = smtpMailer({
    host: '127.0.0.1',
    port,
    tls: 'off',
    from: 'holdfast@example.com',
    reach: { allowPrivate: true },
  })
  const target = email(mailer, { to: ['soc@example.com'] })

  for (const text of HOSTILE) {
    const signal = AbortSignal.timeout(60_000)
    expect(await target.deliver(hostileAlert(text), { signal })).toBe('delivered')
  }

  expect(received).toHaveLength(HOSTILE.length)
  const [first] = received
  const names = [...(first?.mail.headers.keys() ?? [])]
  for (const { mail, to, raw } of received) {
    const html = mail.html || ''
    expect([...mail.headers.keys()]).toEqual(names)
    expect(to).toEqual(['soc@example.com'])
    expect(mail.subject).not.toMatch(NOT_INERT)
    expect(mail.text?.replaceAll('\n', '')).not.toMatch(NOT_INERT)
    expect(html.replaceAll('\n', '')).not.toMatch(NOT_INERT)
    const tags = new Set([...html.matchAll(/<\/?([a-z][a-z0-9]*)/gi)].map(([, tag]) => tag))
    for (const tag of tags) expect(OUR_TAGS).toContain(tag)
    for (const [tag] of html.matchAll(/<[^>]*>/g)) expect(tag).not.toMatch(/\son|alert|evil/i)
    const links = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link]) => link)
    expect(links).toEqual(['https://console.example/incidents/incident-1'])
    const others = `${mail.text}${html}`.replaceAll('https://console.example', '')
    expect(others).not.toMatch(/:\/\/|\bevil\.example/)
    expect(raw.length).toBeLessThan(100_000)
  }
})

const OUR_TAGS = [
  ...['html', 'head', 'meta', 'title', 'body', 'div', 'h1', 'p', 'table', 'tr', 'th', 'td'],
  ...['ul', 'li', 'a'],
]

test('what is quoted in HTML ends no text and no attribute', () => {
  expect(escapeHtml(`<a href="x" b='y' c=\`z\`>&`)).not.toMatch(/[<>"'`]|&(?!#\d+;)/)
})

test('what people need to read stays as it is', () => {
  const agent = 'Chrome 148.0.7778.96, Windows 10.0, 203.0.113.7, 2001:db8::1, Ådne Ødegård, 李'

  expect(unlinked(inert(agent, 200))).toBe(agent)
  expect(unlinked('https://evil.example/a')).toBe('https[:]//evil[.]example/a')
})
