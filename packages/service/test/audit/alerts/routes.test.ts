import { describe, expect, test } from 'vitest'
import { alertOf, changeOf } from '../../../src/audit/alerts/alert.ts'
import { DAYS, quietUntil } from '../../../src/audit/alerts/quiet-hours.ts'
import { planOf, type Route } from '../../../src/audit/alerts/routes.ts'
import { alertNumber, finding, incident, START } from './support.ts'

const TARGETS = ['page', 'ops', 'soc']

function targetsOf(routes: readonly Route[], alert = alertNumber(1)): readonly string[] {
  return planOf(alert, { routes, targets: TARGETS }, START).map(({ target }) => target)
}

describe('an alert goes', () => {
  test('to all targets where no route fits', () => {
    expect(targetsOf([])).toEqual(TARGETS)
    expect(targetsOf([{ severity: 'critical', to: ['page'] }])).toEqual(TARGETS)
  })

  test('where the first route that fits says', () => {
    const routes: Route[] = [
      { rules: ['other'], to: ['soc'] },
      { severity: 'high', to: ['page'] },
      { to: ['ops'] },
    ]

    expect(targetsOf(routes)).toEqual(['page'])
    expect(targetsOf(routes, alertNumber(1, 'low'))).toEqual(['ops'])
    expect(
      targetsOf(routes, alertOf(incident({ findings: [finding({ rule: 'other' })] }), 'opened')),
    ).toEqual(['soc'])
  })

  test('nowhere only where a route says none', () => {
    expect(targetsOf([{ rules: ['two-holders'], to: 'none' }])).toEqual([])
  })

  test('by the tenant of its findings, or the one that is told', () => {
    const routes: Route[] = [{ tenants: ['acme'], to: ['page'] }, { to: ['ops'] }]
    const grouped = incident({ findings: [finding({ group: { tenant: 'acme' } })] })

    expect(targetsOf(routes, alertOf(grouped, 'opened'))).toEqual(['page'])
    expect(targetsOf(routes, alertOf(incident(), 'opened', { tenant: 'acme' }))).toEqual(['page'])
    expect(targetsOf(routes)).toEqual(['ops'])
  })
})

describe('in quiet hours', () => {
  const quiet = { days: DAYS, from: 11 * 60, to: 13 * 60, zone: 'UTC' }
  const routes: Route[] = [{ to: ['ops'], quiet }]
  const plan = (alert: ReturnType<typeof alertNumber>): unknown =>
    planOf(alert, { routes, targets: TARGETS }, START)

  test('an alert waits for their end', () => {
    expect(plan(alertNumber(1, 'high'))).toEqual([
      { target: 'ops', holdUntil: Date.UTC(2026, 10, 30, 13) },
    ])
  })

  test('what is critical, and what tells of an end, does not wait', () => {
    const over = alertOf(incident({ state: 'resolved' }), 'resolved')

    expect(plan(alertNumber(1, 'critical'))).toEqual([{ target: 'ops', holdUntil: null }])
    expect(plan(over)).toEqual([{ target: 'ops', holdUntil: null }])
  })
})

const NIGHT = { days: DAYS, from: 22 * 60, to: 7 * 60, zone: 'Europe/Berlin' }

test.each([
  ['before', '2026-11-30T20:59:59Z', undefined],
  ['at their beginning', '2026-11-30T21:00:00Z', '2026-12-01T06:00:00Z'],
  ['after midnight', '2026-12-01T01:30:20Z', '2026-12-01T06:00:00Z'],
  ['at their end', '2026-12-01T06:00:00Z', undefined],
  ['in the night that has an hour less', '2026-03-28T22:00:00Z', '2026-03-29T05:00:00Z'],
  ['in the night that has an hour more', '2026-10-24T21:00:00Z', '2026-10-25T06:00:00Z'],
  ['in the hour that comes twice', '2026-10-25T01:30:00Z', '2026-10-25T06:00:00Z'],
])('quiet hours over midnight, %s', (_, now, until) => {
  expect(quietUntil(NIGHT, Date.parse(now))).toBe(
    until === undefined ? undefined : Date.parse(until),
  )
})

test.each([
  [
    'that ends in the hour that is left out',
    { ...NIGHT, to: 150 },
    '2026-03-29T00:00:00Z',
    '2026-03-29T01:30:00Z',
  ],
  [
    'of the night before, on a day without',
    { ...NIGHT, days: ['fri'] as const },
    '2026-12-05T02:00:00Z',
    '2026-12-05T06:00:00Z',
  ],
  [
    'of a whole weekend',
    { days: ['sat', 'sun'] as const, from: 0, to: 0, zone: 'Asia/Kolkata' },
    '2026-12-05T06:00:00Z',
    '2026-12-06T18:30:00Z',
  ],
  [
    'of half a day elsewhere',
    { days: DAYS, from: 0, to: 720, zone: 'Pacific/Auckland' },
    '2026-12-05T12:00:00Z',
    '2026-12-05T23:00:00Z',
  ],
])('quiet hours %s', (_, hours, now, until) => {
  expect(quietUntil(hours, Date.parse(now))).toBe(Date.parse(until))
})

test('quiet hours without an end hold an alert for days, not for ever', () => {
  const always = { days: DAYS, from: 0, to: 0, zone: 'UTC' }

  const until = quietUntil(always, START) ?? 0

  expect(until - START).toBeLessThanOrEqual(8 * 86_400_000)
})

test.each([
  ['a new incident', undefined, {}, 'opened'],
  ['one that came back', { state: 'resolved' }, {}, 'opened'],
  ['one more finding', {}, {}, undefined],
  ['a worse finding', { severity: 'low' }, {}, 'escalated'],
  ['a milder finding', { severity: 'critical' }, {}, undefined],
  ['somebody who takes care', {}, { state: 'acknowledged' }, 'acknowledged'],
  [
    'worse, while somebody takes care',
    { state: 'acknowledged', severity: 'low' },
    { state: 'acknowledged' },
    'escalated',
  ],
  ['its end', { state: 'acknowledged' }, { state: 'resolved' }, 'resolved'],
  ['a false alarm', {}, { state: 'false_alarm' }, 'false_alarm'],
] as const)('the change of an incident by %s', (_, before, after, change) => {
  const was = before === undefined ? undefined : incident(before)

  expect(changeOf(was, incident(after))).toBe(change)
})
