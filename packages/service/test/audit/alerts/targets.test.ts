import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { alertOf } from '../../../src/audit/alerts/alert.ts'
import { jsonPost } from '../../../src/audit/alerts/http-post.ts'
import type { Delivery, Target } from '../../../src/audit/alerts/target.ts'
import { pagerduty } from '../../../src/audit/alerts/targets/pagerduty.ts'
import { slack } from '../../../src/audit/alerts/targets/slack.ts'
import { teams } from '../../../src/audit/alerts/targets/teams.ts'
import { webhook } from '../../../src/audit/alerts/targets/webhook.ts'
import { alertNumber, incident, receiver } from './support.ts'

const SECRETS = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`)
const now = (): number => Date.now()
const OPEN = { allowPrivate: true }
const ALERT = alertNumber(1)

function deliver(target: Target): Promise<Delivery> {
  return target.deliver(ALERT, { signal: AbortSignal.timeout(60_000) })
}

function post(
  url: string,
  reach: Parameters<typeof jsonPost>[1]['reach'] = OPEN,
): Promise<Delivery> {
  return jsonPost(url, { reach, now })({ body: '{}', signal: AbortSignal.timeout(60_000) })
}

describe('a receiver', () => {
  test.each([
    [200, 'delivered'],
    [202, 'delivered'],
    [204, 'delivered'],
    [410, { dead: 'It answered 410: it wants no more.' }],
    [400, { problem: 'It answered 400.', mostTries: 3 }],
    [404, { problem: 'It answered 404.', mostTries: 3 }],
    [408, { problem: 'It answered 408.' }],
    [500, { problem: 'It answered 500.' }],
    [503, { problem: 'It answered 503.' }],
  ])('that answers %d', async (status, delivery) => {
    const { url } = await receiver((response) => response.writeHead(status).end())

    expect(await post(url)).toEqual(delivery)
  })

  test.each([
    ['120', 120_000],
    ['999999999', 999_999_999_000],
    ['soon', undefined],
    ['-5', undefined],
  ])('that asks to wait (%s)', async (header, retryAfterMs) => {
    const { url } = await receiver((response) =>
      response.writeHead(429, { 'retry-after': header }).end(),
    )

    const delivery = await post(url)

    expect(delivery).toEqual({
      problem: 'It answered 429.',
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
  })

  test('that asks to wait until a date', async () => {
    const at = Math.ceil(Date.now() / 1_000) * 1_000 + 60_000
    const date = new Date(at).toUTCString()
    const { url } = await receiver((response) =>
      response.writeHead(503, { 'retry-after': date }).end(),
    )

    const delivery = await jsonPost(url, { reach: OPEN, now: () => at - 45_000 })({
      body: '{}',
      signal: AbortSignal.timeout(60_000),
    })

    expect(delivery).toMatchObject({ retryAfterMs: 45_000 })
  })

  test('that redirects inward is not followed', async () => {
    const inner = await receiver()
    const { url } = await receiver((response) =>
      response.writeHead(307, { location: inner.url }).end(),
    )

    const delivery = await post(url)

    expect(delivery).toEqual({
      problem: 'It answered 307. Redirects are not followed.',
      mostTries: 3,
    })
    expect(inner.received).toEqual([])
  })

  test('that sends 10 MB is cut off after a few KB', async () => {
    let written = 0
    let closed = (): void => {}
    const over = new Promise<void>((resolve) => {
      closed = resolve
    })
    const { url } = await receiver((response) => {
      response.on('close', closed)
      response.writeHead(200)
      const more = (): void => {
        if (written >= 10_000_000 || response.destroyed) return
        written += 65_536
        response.write(Buffer.alloc(65_536), more)
      }
      more()
    })

    expect(await post(url)).toBe('delivered')
    await over
    expect(written).toBeLessThan(10_000_000)
  })

  test('whose head has no end is no answer', async () => {
    const { url } = await receiver((response) => {
      response.socket?.end(`HTTP/1.1 200 OK\r\n${'x-filler: 1234567890\r\n'.repeat(5_000)}\r\n`)
    })

    expect(await post(url)).toMatchObject({
      problem: 'It cannot be reached (HPE_HEADER_OVERFLOW).',
    })
  })

  test('that hangs in the middle of its answer has answered', async () => {
    const { url } = await receiver((response) => {
      response.writeHead(200)
      response.write('and then')
    })

    expect(await post(url)).toBe('delivered')
  })

  test('that is not there is tried again, and its URL is not told', async () => {
    const { url, port } = await receiver()
    const dead = jsonPost(url.replace(String(port), '1'), { reach: OPEN, now })

    const delivery = await dead({ body: '{}', signal: AbortSignal.timeout(60_000) })

    expect(delivery).toEqual({ problem: 'It cannot be reached (ECONNREFUSED).' })
  })

  test('that hangs is left when the signal says so', async () => {
    const { url, next } = await receiver(() => {})
    const stop = new AbortController()

    const delivery = jsonPost(url, { reach: OPEN, now })({ body: '{}', signal: stop.signal })
    await next()
    stop.abort()

    expect(await delivery).toEqual({ problem: 'It did not answer in time.' })
  })
})

describe('webhook', () => {
  test('is verified by the library of receivers, under each secret', async () => {
    const { url, next } = await receiver()

    const delivery = await deliver(
      webhook(jsonPost(url, { reach: OPEN, now }), { secrets: SECRETS, now }),
    )
    const { body, headers } = await next()

    expect(delivery).toBe('delivered')
    const given = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, String(value)]),
    )
    for (const secret of SECRETS) {
      expect(new Webhook(secret).verify(body, given)).toEqual({
        type: 'alert.opened',
        timestamp: '2026-11-30T12:00:00.000Z',
        data: ALERT,
      })
    }
    const other = `whsec_${Buffer.alloc(32, 3).toString('base64')}`
    expect(() => new Webhook(other).verify(body, given)).toThrow('No matching signature')
    expect(() => new Webhook(SECRETS[0] ?? '').verify(`${body} `, given)).toThrow()
  })
})

describe('PagerDuty', () => {
  test.each([
    ['opened', 'open', 'trigger'],
    ['escalated', 'open', 'trigger'],
    ['acknowledged', 'acknowledged', 'acknowledge'],
    ['resolved', 'resolved', 'resolve'],
    ['false_alarm', 'false_alarm', 'resolve'],
  ] as const)('hears that an incident is %s', async (change, state, action) => {
    const { url, next } = await receiver((response) => response.writeHead(202).end('{}'))
    const target = pagerduty(jsonPost(url, { reach: OPEN, now }), { routingKey: 'R'.repeat(32) })
    const alert = alertOf(incident({ state }), change, { console: 'https://console.example' })

    await target.deliver(alert, { signal: AbortSignal.timeout(60_000) })
    const event = JSON.parse((await next()).body)

    expect(event).toMatchObject({
      routing_key: 'R'.repeat(32),
      event_action: action,
      dedup_key: 'incident-1',
      payload: { severity: 'error', source: 'holdfast', timestamp: '2026-11-30T12:00:00.000Z' },
      links: [{ href: 'https://console.example/incidents/incident-1', text: 'Incident' }],
    })
    expect(event.payload.summary).toContain('Two holders of one secret')
  })
})

test('Slack gets blocks of plain text, and one link of ours', async () => {
  const { url, next } = await receiver()
  const alert = alertOf(incident(), 'opened', { console: 'https://console.example', name: 'ada' })

  await slack(jsonPost(url, { reach: OPEN, now })).deliver(alert, {
    signal: AbortSignal.timeout(60_000),
  })
  const message = JSON.parse((await next()).body)

  expect(message.text).toBe('[high] Two holders of one secret')
  expect(message.blocks[0]).toEqual({
    type: 'header',
    text: { type: 'plain_text', text: '[high] Two holders of one secret', emoji: false },
  })
  expect(JSON.stringify(message.blocks)).toContain('Who: ada')
  expect(message.blocks.at(-1).elements).toEqual([
    {
      type: 'mrkdwn',
      text: '<https://console.example/incidents/incident-1|Open the incident>',
    },
  ])
})

test('Teams gets an Adaptive Card of plain runs, and one link of ours', async () => {
  const { url, next } = await receiver()
  const alert = alertOf(incident(), 'opened', { console: 'https://console.example' })

  await teams(jsonPost(url, { reach: OPEN, now })).deliver(alert, {
    signal: AbortSignal.timeout(60_000),
  })
  const { attachments } = JSON.parse((await next()).body)

  expect(attachments[0].contentType).toBe('application/vnd.microsoft.card.adaptive')
  const { body, actions } = attachments[0].content
  expect(new Set(body.map(({ type }: { type: string }) => type))).toEqual(
    new Set(['RichTextBlock']),
  )
  expect(actions).toEqual([
    {
      type: 'Action.OpenUrl',
      title: 'Open',
      url: 'https://console.example/incidents/incident-1',
    },
  ])
})
