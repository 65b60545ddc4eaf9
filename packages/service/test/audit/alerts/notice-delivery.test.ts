import { describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../../../../holdfast/test/support/until.ts'
import { type Alert, alertId, ownAlert } from '../../../src/audit/alerts/alert.ts'
import { type Alerting, createAlerting } from '../../../src/audit/alerts/alerting.ts'
import type { Notice } from '../../../src/audit/alerts/notices/notice.ts'
import { alerting as settings } from '../../../src/audit/alerts/settings.ts'
import { openDatabase } from '../../../src/audit/database.ts'
import { alertNumber, EVENT, outboxed, receiver, SESSION, START } from './support.ts'

const SUBJECT = 'AAAAAAAAAAAAAAAAAAAAAA'

const NOTICE: Notice = {
  kind: 'new_device',
  event: EVENT,
  at: START,
  session: SESSION,
  subject: 'ada',
  tenant: 'default',
  device: 'firefox 150 on linux',
  place: 'Amsterdam, Netherlands',
  address: '203.0.113.66',
  done: [],
}

function noticeNumber(number: number): Alert {
  const facts = { at: START, severity: 'low', title: 'Notice', text: '', notice: NOTICE } as const
  return ownAlert({ id: alertId(['notice', String(number)]), change: 'notice', ...facts })
}

function notifying(url: string, allowPrivate: boolean): Alerting {
  const database = openDatabase(':memory:')
  const alerting = createAlerting({
    database,
    settings: settings.alerts.parse({}),
    notices: {
      ...settings.notices.unwrap().parse({
        url: 'https://shop.example/notice',
        product: 'Shop',
        webhook: { url, secrets: [`whsec_${'A'.repeat(32)}`], allowPrivate },
      }),
      key: new Uint8Array(32).fill(1),
    },
    now: () => START,
    random: (size) => new Uint8Array(size),
    log: { warn: () => {}, error: () => {} },
  })
  onTestFinished(async () => {
    await alerting.stop()
    database.close()
  })
  return alerting
}

describe('a notice in the outbox', () => {
  test('is never part of a digest, for what one subject reads is not for another', () => {
    const { outbox, enqueue, clock, states } = outboxed()
    for (let at = 0; at < 3; at++) enqueue(noticeNumber(at), ['notices'])

    outbox.hold('notices', START + 60_000)
    clock.advance(60_000)

    expect(outbox.claim('notices')?.alert.notice).toEqual(NOTICE)
    expect(states()).toEqual(['pending', 'pending', 'pending'])
  })

  test('that is too many gives up the oldest, and no alert', () => {
    const { enqueue, states, view } = outboxed({ mostPending: 3 })
    enqueue(alertNumber(1), ['ops'])

    for (let at = 0; at < 5; at++) enqueue(noticeNumber(at), ['notices'])

    expect(states()).toEqual(['pending', 'dead', 'dead', 'pending', 'pending', 'pending'])
    const { items } = view.list({ state: 'dead' })
    expect(items[0]?.deliveries[0]?.problem).toBe('Too many notices were waiting.')
  })

  test('is listed without what it tells the subject', async () => {
    const alerting = notifying('https://app.example/hook', false)
    alerting.notify(NOTICE, SUBJECT)

    const { items } = await alerting.alerts.list({})

    expect(items).toMatchObject([{ change: 'notice', name: 'ada', session: SESSION }])
    expect(JSON.stringify(items)).not.toMatch(/203\.0\.113|Amsterdam|shop\.example/)
  })
})

test('a notice of an erased subject goes to nobody', async () => {
  const app = await receiver()
  const alerting = notifying(app.url, true)
  alerting.notify(NOTICE, SUBJECT)

  alerting.forget(SUBJECT)
  alerting.start()
  await until('it is settled', () => alerting.state().sent.notices?.dead === 1)

  expect(app.received).toEqual([])
})

test('an application at a private address gets nothing unless that is allowed', async () => {
  const app = await receiver()
  const refused = notifying(app.url.replace('http:', 'https:'), false)
  refused.notify(NOTICE, SUBJECT)
  refused.start()
  await until('it was tried', () => refused.state().sent.notices?.failed === 1)
  const { items } = await refused.alerts.list({})

  expect(items[0]?.deliveries[0]?.problem).toContain('not public')
  expect(app.received).toEqual([])
})

test('alerts go to no application, and no target can take its name', async () => {
  const app = await receiver()
  const alerting = notifying(app.url, true)

  expect(await alerting.alerts.test('notices')).toBeUndefined()
  expect(await alerting.alerts.test(undefined)).toMatchObject({ targets: [] })
  const named = settings.alerts.safeParse({
    targets: { notices: { type: 'slack', url: 'https://hooks.slack.com/x' } },
  })
  expect(named.success).toBe(false)
})
