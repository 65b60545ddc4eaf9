import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import type { LoggedFinding } from '../../../src/audit/entry.ts'
import { type Finding, partsOf } from '../../../src/audit/finding.ts'
import { PERSONAL } from '../../../src/audit/formats/facts.ts'
import { ocsf } from '../../../src/audit/formats/ocsf.ts'
import { ocsfFinding } from '../../../src/audit/formats/ocsf-finding.ts'
import { ALL_TYPES, bareEntry, entryOf, HOSTILE, hostileEntry, SUBJECT } from '../entries.ts'

const SCHEMAS = new URL('../fixtures/ocsf/', import.meta.url)

const ajv = new Ajv2020({ strict: false, allErrors: true })
const validators = new Map(
  readdirSync(SCHEMAS)
    .filter((name) => name.endsWith('.schema.json'))
    .map((name) => {
      const schema = JSON.parse(readFileSync(new URL(name, SCHEMAS), 'utf8'))
      return [schema.properties.class_uid.enum[0], ajv.compile(schema)]
    }),
)

/** What the schema of its class says against an event. */
function faults(event: object): readonly string[] {
  const parsed = JSON.parse(JSON.stringify(event))
  const validate = validators.get(parsed.class_uid)
  if (validate === undefined) return [`no class ${parsed.class_uid}`]
  validate(parsed)
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)
}

test('the schemas refuse what is not OCSF', () => {
  const event = ocsf(entryOf('login-failed'), { personal: 'full' })

  expect(faults({ ...event, unknown: 1 })).not.toEqual([])
  expect(faults({ ...event, service: undefined })).not.toEqual([])
  expect(faults({ ...event, src_endpoint: { ip: '203.0.113.0/24' } })).not.toEqual([])
})

test.each(ALL_TYPES)('%s is valid OCSF, whole and bare, whatever is personal', (type) => {
  for (const personal of PERSONAL) {
    expect(faults(ocsf(entryOf(type), { personal }))).toEqual([])
    expect(faults(ocsf(bareEntry(type), { personal }))).toEqual([])
  }
})

test.each(Object.entries(HOSTILE))('%s as every text is valid OCSF', (_, text) => {
  for (const type of ALL_TYPES) {
    expect(faults(ocsf(hostileEntry(type, text), { personal: 'full' }))).toEqual([])
  }
})

test.each([
  ['session-established', 300201],
  ['login-failed', 300201],
  ['login-refused', 300201],
  ['session-revoked', 300202],
  ['session-expired', 300202],
  ['subject-revoked', 300202],
  ['step-up-required', 300299],
  ['from-the-future', 300299],
  ['anomaly-detected', 200401],
  ['token-reused', 200401],
  ['session-limited', 200401],
  ['false-alarm-reported', 200403],
  ['attributes-changed', 300199],
  ['admin-acted', 300199],
  ['key-rotated', 300199],
  ['policy-changed', 300199],
])('%s is %i', (type, type_uid) => {
  expect(ocsf(entryOf(type), { personal: 'none' })).toMatchObject({ type_uid })
})

test('attributes of a profile are there only where the event says so', () => {
  const decided = ocsf(entryOf('session-established'), { personal: 'none' })
  const undecided = ocsf(bareEntry('session-established'), { personal: 'none' })

  expect(decided).toMatchObject({
    metadata: { profiles: ['security_control'] },
    action_id: 2,
    disposition_id: 23,
    risk_score: 31,
  })
  expect(undecided).not.toHaveProperty('metadata.profiles')
  expect(undecided).not.toHaveProperty('action_id')
})

test('a login tells by which factors, and a logout why', () => {
  const login = ocsf(entryOf('session-established'), { personal: 'none' })
  const logout = ocsf(entryOf('session-revoked', { event: { reason: 'logout' } }), {
    personal: 'none',
  })

  expect(login).toMatchObject({
    is_mfa: true,
    auth_factors: [{ factor_type: 'Password' }, { factor_type: 'OTP' }],
  })
  expect(logout).toMatchObject({ session: { expiration_reason: 'logout' } })
})

const FINDING: Finding = {
  id: 'finding-1',
  rule: 'failed-login-storm',
  severity: 'high',
  at: Date.UTC(2026, 10, 29),
  title: '20 failed logins of ada@example.com',
  text: 'From 203.0.113.7 within a minute.',
  group: { address: '203.0.113.7', name: 'ada@example.com' },
  subject: SUBJECT,
  session: null,
  network: '203.0.113.0/24',
  count: 20,
  events: Array.from({ length: 40 }, (_, i) => `event-${i}`),
}

const FULL = { personal: 'full' } as const

function logged(finding: Finding): LoggedFinding {
  return { index: 7, ...partsOf(finding) }
}

test('a finding that does not open any more is valid OCSF, with the name of its rule', () => {
  const event = ocsfFinding({ ...logged(FINDING), personal: null }, FULL)

  expect(faults(event)).toEqual([])
  expect(event).toMatchObject({ message: 'failed-login-storm', count: 20 })
  expect(JSON.stringify(event)).not.toContain('ada@')
})

test.each(PERSONAL)('a finding is valid OCSF and tells of a person only: %s', (personal) => {
  const event = ocsfFinding(logged(FINDING), { personal })

  const text = JSON.stringify(event)
  expect(faults(event)).toEqual([])
  expect(text.includes('ada@example.com')).toBe(personal === 'full')
  expect(text.includes('203.0.113.7')).toBe(personal === 'full')
  expect(text.includes('203.0.113.0/24')).toBe(personal !== 'none')
})

test.each(Object.entries(HOSTILE))('a finding with %s is valid OCSF', (_, text) => {
  const hostile = { ...FINDING, id: text, rule: text, title: text, text, network: text }

  expect(faults(ocsfFinding(logged({ ...hostile, subject: null }), FULL))).toEqual([])
})

test('a finding about nobody and nothing is valid OCSF', () => {
  const empty = { ...FINDING, subject: null, network: null, events: [] }

  expect(faults(ocsfFinding(logged(empty), FULL))).toEqual([])
})
