import { describe, expect, test } from 'vitest'
import { type Alert, alertOf } from '../../../src/audit/alerts/alert.ts'
import type { Claim } from '../../../src/audit/alerts/outbox.ts'
import { alertNumber, incident, type Outboxed, outboxed, START } from './support.ts'

const HOUR_MS = 3_600_000
const FAILED = { problem: 'It answered 500.' }

function claimed({ outbox }: Outboxed, target = 'ops'): Claim {
  const claim = outbox.claim(target)
  if (claim === undefined) throw new Error('nothing was due')
  return claim
}

describe('an alert in the outbox', () => {
  test('is one with the incident: a transaction that throws leaves none', () => {
    const box = outboxed()

    const failed = (): void =>
      box.database.transaction(() => {
        box.outbox.enqueue(alertNumber(1), [{ target: 'ops', holdUntil: null }])
        throw new Error('not after all')
      })

    expect(failed).toThrow('not after all')
    expect(box.outbox.claim('ops')).toBeUndefined()
    expect(box.view.list({}).items).toEqual([])
  })

  test('is there once for each target, however often it is noted', () => {
    const box = outboxed()

    for (let at = 0; at < 3; at++) box.enqueue(alertNumber(1), ['ops', 'soc'])
    box.enqueue(alertNumber(1), ['later'])

    expect(box.states()).toEqual(['pending', 'pending', 'pending'])
  })

  test('that was claimed and not settled comes again when the lease is over', () => {
    const box = outboxed({ leaseMs: 30_000 })
    box.enqueue(alertNumber(1), ['ops'])

    const first = claimed(box)
    const meanwhile = box.outbox.claim('ops')
    const wake = box.outbox.nextAt('ops')
    box.clock.advance(30_000)
    const second = claimed(box)

    expect(meanwhile).toBeUndefined()
    expect(wake).toBe(START + 30_000)
    expect(second).toMatchObject({ seq: first.seq, attempt: 2 })
    expect(box.outbox.settle(second, 'delivered')).toBe('delivered')
    expect(box.outbox.settle(first, FAILED)).toBeUndefined()
    expect(box.states()).toEqual(['delivered'])
  })

  test('is tried for a day at growing intervals, then dead, and can be sent again', () => {
    const box = outboxed()
    box.enqueue(alertNumber(1), ['ops'])
    const waits: number[] = []

    let state: string | undefined = 'pending'
    while (state === 'pending') {
      state = box.outbox.settle(claimed(box), FAILED)
      const next = box.outbox.nextAt('ops') ?? box.clock.now()
      waits.push(next - box.clock.now())
      box.clock.set(next)
    }

    const [dead] = box.view.list({ state: 'dead' }).items
    expect(waits.slice(0, 3).every((ms, at) => ms >= 500 * 2 ** at && ms <= 1_000 * 2 ** at)).toBe(
      true,
    )
    expect(Math.max(...waits)).toBeLessThanOrEqual(900_000)
    expect(waits.length).toBeGreaterThan(90)
    expect(box.clock.now()).toBeLessThanOrEqual(START + 24 * HOUR_MS)
    expect(dead?.deliveries).toMatchObject([{ state: 'dead', problem: 'It answered 500.' }])

    expect(box.outbox.replay(dead?.id ?? '', 'another')).toBe(0)
    expect(box.outbox.replay(dead?.id ?? '', undefined)).toBe(1)
    expect(claimed(box)).toMatchObject({ attempt: 1 })
  })

  test('waits as long as the receiver asks for, an hour at most', () => {
    const box = outboxed()
    box.enqueue(alertNumber(1), ['ops'])
    box.enqueue(alertNumber(2), ['soc'])

    box.outbox.settle(claimed(box), { ...FAILED, retryAfterMs: 120_000 })
    box.outbox.settle(claimed(box, 'soc'), { ...FAILED, retryAfterMs: 10 ** 12 })

    expect(box.outbox.nextAt('ops')).toBe(START + 120_000)
    expect(box.outbox.nextAt('soc')).toBe(START + HOUR_MS)
  })

  test('that the receiver will refuse again is dead after a few tries', () => {
    const box = outboxed()
    box.enqueue(alertNumber(1), ['ops'])
    const states: unknown[] = []

    for (let at = 0; at < 3; at++) {
      states.push(box.outbox.settle(claimed(box), { problem: 'It answered 400.', mostTries: 3 }))
      box.clock.advance(10_000)
    }

    expect(states).toEqual(['pending', 'pending', 'dead'])
  })

  test('is not lost to a clock that was set back', () => {
    const box = outboxed()
    box.enqueue(alertNumber(1), ['ops'])
    box.outbox.settle(claimed(box), FAILED)

    box.clock.set(START - 48 * HOUR_MS)
    const claim = claimed(box)
    box.clock.set(START - 96 * HOUR_MS)

    expect(claim).toMatchObject({ attempt: 2 })
    expect(claimed(box)).toMatchObject({ attempt: 3 })
  })

  test('for a target that is not configured any more is dead, and tells so', () => {
    const box = outboxed()
    box.enqueue(alertNumber(1), ['ops', 'gone'])

    const given = box.outbox.abandon(['ops'])

    expect(given).toBe(1)
    expect(box.view.list({ state: 'dead' }).items[0]?.deliveries[1]).toMatchObject({
      problem: 'The target is not configured any more.',
    })
  })
})

test('the worst comes first, but what an incident says stays in order', () => {
  const box = outboxed()
  box.enqueue(alertNumber(1, 'low'), ['ops'])
  const worse = { id: 'incident-1', severity: 'critical', updatedAt: START + 1 } as const
  box.enqueue(alertOf(incident(worse), 'escalated'), ['ops'])
  box.enqueue(alertNumber(2, 'high'), ['ops'])
  const order: string[] = []

  for (let at = 0; at < 3; at++) {
    const claim = claimed(box)
    order.push(`${claim.alert.incident} ${claim.alert.change}`)
    box.outbox.settle(claim, 'delivered')
  }

  expect(order).toEqual(['incident-2 opened', 'incident-1 opened', 'incident-1 escalated'])
})

test('what is critical does not wait behind a held alert of its incident', () => {
  const box = outboxed()
  const held = [{ target: 'ops', holdUntil: START + 9 * HOUR_MS }]
  box.database.transaction(() => box.outbox.enqueue(alertNumber(1, 'high'), held))
  box.database.transaction(() => box.outbox.enqueue(alertNumber(2, 'high'), held))
  const worse = { id: 'incident-1', severity: 'critical', updatedAt: START + 1 } as const

  box.enqueue(alertOf(incident(worse), 'escalated'), ['ops'])

  const order = [1, 2].map(() => {
    const claim = claimed(box)
    box.outbox.settle(claim, 'delivered')
    return `${claim.alert.incident} ${claim.alert.change}`
  })
  expect(order).toEqual(['incident-1 opened', 'incident-1 escalated'])
  expect(box.outbox.claim('ops')).toBeUndefined()
})

test('the end of an incident wakes nobody for what was held of it', () => {
  const box = outboxed()
  const held = [{ target: 'ops', holdUntil: START + 9 * HOUR_MS }]
  box.database.transaction(() => box.outbox.enqueue(alertNumber(1, 'low'), held))
  const over = { id: 'incident-1', state: 'resolved', updatedAt: START + 1 } as const

  box.enqueue(alertOf(incident(over), 'resolved'), ['ops'])

  expect(box.outbox.claim('ops')).toBeUndefined()
})

test('what waits behind an earlier alert of its incident does not keep the sender busy', () => {
  const box = outboxed()
  box.enqueue(alertNumber(1), ['ops'])
  box.enqueue(alertOf(incident({ state: 'resolved' }), 'resolved'), ['ops'])

  box.outbox.settle(claimed(box), { ...FAILED, retryAfterMs: 60_000 })

  expect(box.outbox.claim('ops')).toBeUndefined()
  expect(box.outbox.nextAt('ops')).toBe(START + 60_000)
})

describe('alerts that have to wait', () => {
  test('come as one digest that counts them', () => {
    const box = outboxed()
    const until = START + HOUR_MS
    for (let at = 0; at < 12; at++) {
      box.enqueue(alertNumber(at, at % 4 === 0 ? 'high' : 'low'), ['ops'], until)
    }

    const early = box.outbox.claim('ops')
    box.clock.set(until)
    const { alert } = claimed(box)

    expect(early).toBeUndefined()
    expect(alert).toMatchObject({
      change: 'digest',
      severity: 'high',
      title: '12 alerts in one, for quiet hours or the rate of this target',
      text: '3 high, 9 low. "holdfast alerts list" shows each.',
      counts: { low: 9, medium: 0, high: 3, critical: 0 },
    })
    expect(alert.timeline).toHaveLength(10)
    expect(box.outbox.claim('ops')).toBeUndefined()
    expect(box.view.list({ state: 'folded' }).items).toHaveLength(12)
  })

  test('come as themselves where there is only one', () => {
    const box = outboxed()
    box.enqueue(alertNumber(1), ['ops'], START + HOUR_MS)

    box.clock.advance(HOUR_MS)

    expect(claimed(box).alert).toEqual(alertNumber(1))
  })
})

describe('a target that takes nothing', () => {
  test('has a bounded number of waiting alerts: the least severe become one, none is lost', () => {
    const box = outboxed({ mostPending: 100 })
    for (let at = 0; at < 1_000; at++) {
      box.enqueue(alertNumber(at, at % 100 === 0 ? 'critical' : 'low'), ['ops'])
    }
    const [counts] = box.view.counts()
    const sent: string[] = []
    let total = 0

    for (let claim = box.outbox.claim('ops'); claim !== undefined; ) {
      const { severity, counts } = claim.alert
      sent.push(severity)
      total += counts === null ? 1 : counts.low + counts.critical
      box.outbox.settle(claim, 'delivered')
      claim = box.outbox.claim('ops')
    }

    expect(counts?.pending).toBeLessThanOrEqual(100)
    expect(counts?.folded).toBeGreaterThan(900)
    expect(total).toBe(1_000)
    expect(sent.filter((severity) => severity === 'critical')).toHaveLength(10)
  })

  test('holds up no other target', () => {
    const box = outboxed({ mostPending: 10 })
    for (let at = 0; at < 30; at++) box.enqueue(alertNumber(at), ['dead', 'ops'])

    expect(box.view.counts()).toMatchObject([
      { target: 'dead', folded: expect.any(Number) },
      { target: 'ops', folded: expect.any(Number) },
    ])
    expect(claimed(box).target).toBe('ops')
  })
})

test('what is settled goes after its time, what is not stays', () => {
  const box = outboxed()
  for (let at = 0; at < 700; at++) box.enqueue(alertNumber(at), ['ops', 'soc'])
  for (let at = 0; at < 700; at++) box.outbox.settle(claimed(box), 'delivered')
  box.clock.advance(31 * 24 * HOUR_MS)

  const rounds: number[] = []
  for (let gone = box.outbox.prune(); gone > 0; gone = box.outbox.prune()) rounds.push(gone)

  expect(rounds).toEqual([500, 200])
  expect(box.states()).toHaveLength(700)
  expect(new Set(box.states())).toEqual(new Set(['pending']))
  expect(box.view.counts()).toMatchObject([{ target: 'soc', pending: 700 }])
})

test('what tells who a subject is can be forgotten, and its alerts are sent all the same', () => {
  const box = outboxed()
  const about = (id: string, subject: string): Alert =>
    alertOf(incident({ id, subject }), 'opened', { name: `name of ${subject}` })
  box.enqueue(about('incident-1', 'ada'), ['ops'])
  box.enqueue(about('incident-2', 'eve'), ['ops'])

  const forgotten = box.outbox.forget('ada')

  expect(forgotten).toBe(1)
  expect(claimed(box).alert).toMatchObject({ subject: 'ada', name: null, network: null, text: '' })
  expect(box.view.list({ incident: 'incident-2' }).items[0]?.name).toBe('name of eve')
  expect(JSON.stringify(box.view.list({}))).not.toContain('name of ada')
})

test('a digest forgets what it quotes of a subject, and tells how much there was', () => {
  const box = outboxed()
  const titled = (id: string): Alert =>
    alertOf(incident({ id, subject: 'ada', title: 'Something of Ada' }), 'opened', {})
  box.enqueue(titled('incident-1'), ['ops'])
  box.enqueue(titled('incident-2'), ['ops'])
  box.outbox.hold('ops', box.clock.now() + 1)
  box.clock.advance(2)
  const { alert } = claimed(box)
  expect(alert).toMatchObject({ change: 'digest', timeline: [{}, {}] })

  box.outbox.forget('ada')

  expect(JSON.stringify(box.view.list({}))).not.toContain('Something of Ada')
  expect(box.view.show(alert.id)).toMatchObject({ change: 'digest', counts: alert.counts })
})

test('a list goes on from the page before, without gap or repetition', () => {
  const box = outboxed()
  for (let at = 0; at < 25; at++) box.enqueue(alertNumber(at), ['ops'])
  const ids: string[] = []

  let page = box.view.list({ limit: 10 })
  ids.push(...page.items.map(({ id }) => id))
  while (page.next !== undefined) {
    page = box.view.list({ limit: 10, after: page.next })
    ids.push(...page.items.map(({ id }) => id))
  }

  expect(new Set(ids).size).toBe(25)
  expect(ids).toHaveLength(25)
  expect(() => box.view.list({ after: '1; DROP TABLE alerts' })).toThrow(
    expect.objectContaining({ code: 'invalid_input' }),
  )
})
