import type { PersonalFacts, SessionEvent } from 'holdfast/maintenance'
import { describe, expect, test } from 'vitest'
import { smtpMailer } from '../../../src/audit/alerts/mailer.ts'
import { meanwhileOf, type Notice, noticeOf } from '../../../src/audit/alerts/notices/notice.ts'
import { noticeLinks } from '../../../src/audit/alerts/notices/notice-links.ts'
import { noticeMail } from '../../../src/audit/alerts/notices/notice-mail.ts'
import { mailServer } from './mail-server.ts'
import { EVENT, SESSION, START } from './support.ts'

const KEY = new Uint8Array(32).fill(1)

const PERSONAL: PersonalFacts = {
  subject: 'ada@example.com',
  tenant: 'default',
  address: '203.0.113.7',
  userAgent: null,
}

function event(facts: Partial<SessionEvent> = {}): SessionEvent {
  return {
    id: EVENT,
    type: 'context-changed',
    at: START,
    actor: 'client',
    subject: 'AAAAAAAAAAAAAAAAAAAAAA',
    session: SESSION,
    network: { asn: 64_500, organisation: null, kind: 'unknown', country: 'NO', city: 'Oslo' },
    device: { family: 'chrome', major: 148, os: 'windows' },
    decision: null,
    situation: null,
    reason: null,
    correlation: null,
    ...facts,
  }
}

function decided(reason: string, weight: number): Partial<SessionEvent> {
  const because = [{ group: 'N' as const, reason, weight, detail: {}, text: '' }]
  return { decision: { outcome: 'challenge', score: weight, because } }
}

describe('the notice of an event', () => {
  test.each([
    ['a new country', event(decided('country_new_clock_moved', 12)), 'new_place'],
    ['a journey that nobody makes', event(decided('travel_infeasible', 30)), 'new_place'],
    ['another browser', event(decided('platform_changed', 12)), 'new_device'],
    ['a failed step-up', event({ type: 'step-up-failed' }), 'step_up_failed'],
    ['a fork', event({ type: 'token-reused', reason: 'secret_forked' }), 'fork'],
    [
      'a refresh token used twice',
      event({ type: 'token-reused', reason: 'refresh_reused' }),
      'fork',
    ],
    ['a token of a dead family', event({ type: 'token-reused' }), undefined],
    ['a quiet visit', event(decided('network_same_prefix', -10)), undefined],
    ['a usual country', event(decided('country_new_mobile', -2)), undefined],
    ['a logout', event({ type: 'session-revoked', reason: 'logout' }), undefined],
  ])('%s', (_, one, kind) => {
    expect(noticeOf(one, PERSONAL)?.kind).toBe(kind)
  })

  test('of one login is one, though the log has two events', () => {
    const odd = decided('country_new_clock_moved', 15)
    const login = event({ type: 'session-established', reason: 'default', ...odd })
    const anomaly = event({ type: 'anomaly-detected', reason: 'login', ...odd })

    expect([noticeOf(login, null)?.kind, noticeOf(anomaly, null)]).toEqual(['new_place', undefined])
  })

  test('says what is known in words', () => {
    expect(noticeOf(event(decided('platform_changed', 12)), PERSONAL)).toMatchObject({
      device: 'Chrome 148 on Windows',
      place: 'Oslo, Norway',
      address: '203.0.113.7',
      subject: 'ada@example.com',
    })
  })

  test('of what was done meanwhile lists it, and there is none for nothing', () => {
    const passed = event({ type: 'step-up-completed' })
    const between = Array.from({ length: 50 }, (_, at) =>
      event({ type: at % 2 === 0 ? 'session-presented' : 'secret-rotated', at: START + at }),
    )

    expect(meanwhileOf(passed, PERSONAL, between)?.done).toHaveLength(25)
    expect(meanwhileOf(passed, PERSONAL, between)?.done[0]).toEqual({
      at: START,
      text: 'Used the session (Chrome 148 on Windows, Oslo, Norway)',
    })
    expect(meanwhileOf(passed, PERSONAL, [])).toBeUndefined()
  })
})

test('every mail has the same words as text and as HTML, and both links in both', async () => {
  const { port, received } = await mailServer()
  const send = smtpMailer({
    host: '127.0.0.1',
    port,
    tls: 'off',
    from: 'accounts@example.com',
    reach: { allowPrivate: true },
  })
  const links = noticeLinks({ keys: [KEY], url: 'https://auth.example/n', now: () => START })
  const base = noticeOf(event({ type: 'step-up-failed' }), PERSONAL)
  const hostile = '<b>evil</b>\r\nBcc: x https://evil.example \u202e'
  const kinds = ['new_device', 'new_place', 'step_up_failed', 'fork', 'meanwhile'] as const

  for (const kind of kinds) {
    if (base === undefined) throw new Error('there is no notice')
    const notice: Notice = { ...base, kind, done: [{ at: START, text: 'Logged in' }] }
    const personal = noticeOf(event({ type: 'step-up-failed' }), { ...PERSONAL, subject: hostile })
    const mail = noticeMail(
      { ...notice, subject: personal?.subject ?? null },
      { product: 'Shop', links: links.links(notice) },
    )
    expect(
      await send({ ...mail, to: ['ada@example.com'] }, { signal: AbortSignal.timeout(60_000) }),
    ).toBe('delivered')
  }

  expect(new Set(received.map(({ mail }) => mail.subject)).size).toBe(5)
  for (const { mail, to } of received) {
    expect(to).toEqual(['ada@example.com'])
    expect(mail.subject).toMatch(/^Shop: /)
    const html = mail.html || ''
    const inHtml = [...html.matchAll(/href="([^"]+)"/g)].map(([, link]) => link)
    expect(inHtml).toHaveLength(2)
    for (const link of inHtml) expect(mail.text).toContain(link)
    for (const words of ['203.0.113.7', 'Oslo, Norway', 'Logged in', 'evil[.]example']) {
      expect(mail.text).toContain(words)
      expect(html).toContain(words)
    }
    expect(html).not.toContain('<b>')
    expect(`${mail.text}${html}`).not.toMatch(/[\u202e\r]|evil\.example/)
  }
})
