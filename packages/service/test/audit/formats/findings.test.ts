import { expect, test } from 'vitest'
import type { LoggedFinding } from '../../../src/audit/entry.ts'
import { ecs } from '../../../src/audit/formats/ecs.ts'
import { type Format, PERSONAL } from '../../../src/audit/formats/facts.ts'
import { otlp } from '../../../src/audit/formats/otlp.ts'
import { ownJson } from '../../../src/audit/formats/own-json.ts'
import { syslogMessage } from '../../../src/audit/outputs/syslog-frame.ts'
import { SUBJECT } from '../entries.ts'

const FOUND: LoggedFinding = {
  index: 41,
  finding: {
    id: 'finding-1',
    rule: 'login_storm_subject',
    severity: 'critical',
    at: Date.UTC(2026, 10, 29),
    subject: SUBJECT,
    session: null,
    count: 20,
    events: Array.from({ length: 40 }, (_, at) => `event-${at}`),
  },
  personal: {
    title: '20 failed logins of ada@example.com',
    text: 'From 203.0.113.7 within a minute.',
    group: { subject: SUBJECT, name: 'ada@example.com' },
    network: '203.0.113.0/24',
  },
}

const FORMATS: readonly (readonly [string, Format])[] = [
  ['json', ownJson],
  ['ecs', ecs],
  ['otlp', otlp],
]

test.each(
  FORMATS.flatMap(([name, format]) =>
    PERSONAL.map((personal) => [name, personal, format] as const),
  ),
)('a finding as %s tells of a person only what may leave: %s', (_, personal, format) => {
  const text = JSON.stringify(format(FOUND, { personal }))

  expect(text.includes('ada@example.com')).toBe(personal === 'full')
  expect(text.includes('203.0.113.7')).toBe(personal === 'full')
  expect(text.includes('203.0.113.0/24')).toBe(personal !== 'none')
  expect(text).toContain('login_storm_subject')
  expect(text).toContain('event-39')
  expect(text).not.toContain('event-19"')
})

test('a finding as ECS is an alert of its rule', () => {
  expect(ecs(FOUND, { personal: 'none' })).toMatchObject({
    message: 'A rule has found something',
    event: { kind: 'alert', action: 'finding', id: 'finding-1', sequence: 41, severity: 5 },
    rule: { name: 'login_storm_subject' },
    user: { id: SUBJECT },
    holdfast: { finding: { count: 20 } },
  })
})

test('a finding as OTLP has the severity of its rule', () => {
  expect(otlp(FOUND, { personal: 'full' })).toMatchObject({
    severityText: 'critical',
    eventName: 'holdfast.finding',
    body: { stringValue: '20 failed logins of ada@example.com' },
  })
})

test('a finding as JSON has what was found apart, and no position of the store', () => {
  expect(ownJson(FOUND, { personal: 'none' })).toMatchObject({
    type: 'finding',
    index: 41,
    partition: null,
    reason: 'login_storm_subject',
    finding: { rule: 'login_storm_subject', severity: 'critical', count: 20, title: null },
  })
})

test('a finding in syslog has the severity of its rule', () => {
  const message = syslogMessage(FOUND, '{}', { hostname: 'here', processId: '7' })

  expect(message).toMatch(/^<106>1 2026-11-29T00:00:00\.000Z here holdfast 7 finding \[meta /)
})
