import { expect, test } from 'vitest'
import { ecs } from '../../../src/audit/formats/ecs.ts'
import { type Format, PERSONAL } from '../../../src/audit/formats/facts.ts'
import { ocsf } from '../../../src/audit/formats/ocsf.ts'
import { otlp, otlpRequest } from '../../../src/audit/formats/otlp.ts'
import { ownJson } from '../../../src/audit/formats/own-json.ts'
import { plainText } from '../../../src/audit/formats/plain-text.ts'
import {
  ADA,
  ALL_TYPES,
  bareEntry,
  entryOf,
  entryWithSecrets,
  HOSTILE,
  hostileEntry,
  SECRET_PARTS,
  SUBJECT,
  TOKEN,
} from '../entries.ts'

const FORMATS: readonly (readonly [string, Format])[] = [
  ['json', ownJson],
  ['ocsf', ocsf],
  ['ecs', ecs],
  ['otlp', otlp],
]

/** Everything that a format writes, as texts. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, one]) => [name, ...textsIn(one)])
}

test.each(FORMATS)('%s tells of a person as much as was asked for, for every type', (_, format) => {
  for (const type of ALL_TYPES) {
    const [full, network, none] = PERSONAL.map((personal) =>
      JSON.stringify(format(entryOf(type), { personal })),
    )

    for (const fact of [ADA.subject, ADA.tenant, ADA.userAgent, `"${ADA.address}"`]) {
      expect(full).toContain(fact)
      expect(network).not.toContain(fact)
      expect(none).not.toContain(fact)
    }
    expect(network).toContain('203.0.113.0/24')
    expect(none).not.toContain('203.0.113')
    for (const text of [full, network, none]) {
      expect(text).toContain(SUBJECT)
      expect(text).toContain(type)
    }
  }
})

test.each(FORMATS)('%s says how many were not kept, and which policy was taken up', (_, format) => {
  const { event, ...entry } = entryOf('policy-changed')
  const policy = { digest: 'd1'.repeat(32), summary: '{"policy":"strict"}' }

  const line = JSON.stringify(
    format({ ...entry, event: { ...event, more: 4_711, policy } }, { personal: 'none' }),
  )

  expect(line).toMatch(/4711/)
  expect(line).toContain(policy.digest)
  expect(line).toContain('strict')
  expect(JSON.stringify(format(entryOf('policy-changed'), { personal: 'none' }))).not.toMatch(
    /"(?:more|policy)":/,
  )
})

test.each(FORMATS)('%s writes events of which little is known', (_, format) => {
  for (const type of ALL_TYPES) {
    expect(JSON.stringify(format(bareEntry(type), { personal: 'full' }))).toContain(type)
  }
})

test.each(FORMATS)('%s makes hostile texts harmless and short', (_, format) => {
  for (const [name, hostile] of Object.entries(HOSTILE)) {
    const line = JSON.stringify(format(hostileEntry('token-reused', hostile), { personal: 'full' }))
    const texts = textsIn(JSON.parse(line))

    for (const text of texts) {
      expect(text, name).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      expect(text.length, name).toBeLessThanOrEqual(512)
    }
    expect(texts, name).not.toContain('admin')
    expect(line, name).not.toContain('\n')
  }
})

test.each(FORMATS)('%s holds no token and no unknown field, wherever they were', (_, format) => {
  for (const type of ALL_TYPES) {
    for (const personal of PERSONAL) {
      const line = JSON.stringify(format(entryWithSecrets(type), { personal }))

      for (const part of SECRET_PARTS) expect(line).not.toContain(part)
    }
  }
})

test('a token is taken out also where text is cut', () => {
  for (let before = 0; before < 100; before++) {
    expect(plainText(`${'x'.repeat(before)}${TOKEN}`, 64)).not.toContain('Zm9v')
  }
})

test('text is cut between characters, and never within the text of a code point', () => {
  for (let most = 8; most < 24; most++) {
    const cut = plainText('ab\u001b\u{1f511}\u001b\u{1f511}'.repeat(4), most)

    expect(cut.length).toBeLessThanOrEqual(most)
    expect(cut).toMatch(/^(?:ab|\\u\{1b\}|\u{1f511})+[ab]?…$/u)
  }
})

test('ECS has the fields of the schema', () => {
  const event = ecs(entryOf('session-established'), { personal: 'full' })

  expect(event).toMatchObject({
    '@timestamp': '2026-11-29T12:00:00.007Z',
    event: {
      kind: 'event',
      category: ['authentication', 'session'],
      type: ['start'],
      action: 'session-established',
      outcome: 'success',
      reason: 'secret_forked',
    },
    user: { id: SUBJECT, name: 'ada@example.com' },
    organization: { id: 'acme' },
    source: {
      ip: '203.0.113.7',
      geo: { country_iso_code: 'NL', city_name: 'Utrecht' },
      as: { number: 64500, organization: { name: 'Example Net' } },
    },
    user_agent: { original: ADA.userAgent, name: 'chrome', os: { type: 'windows' } },
    trace: { id: '0af7651916cd43dd8448eb211c80319c' },
    span: { id: 'b7ad6b7169203331' },
  })
})

test('in ECS what is suspicious is an alert', () => {
  const event = ecs(entryOf('token-reused'), { personal: 'none' })

  expect(event).toMatchObject({
    event: { kind: 'alert', category: ['intrusion_detection', 'session'], severity: 4 },
  })
})

test('an address that is none is in no field that takes addresses alone', () => {
  const entry = entryOf('login-failed', { personal: { ...ADA, address: '203.0.113.7, 10.0.0.1' } })

  expect(ecs(entry, { personal: 'full' })).not.toHaveProperty('source.ip')
  expect(ocsf(entry, { personal: 'full' })).not.toHaveProperty('src_endpoint.ip')
})

test('an OTLP record has times as text, a severity and the trace that it belongs to', () => {
  const record = otlp(entryOf('token-reused'), { personal: 'none' })

  expect(record).toMatchObject({
    timeUnixNano: '1795953600007000000',
    severityNumber: 17,
    eventName: 'holdfast.token-reused',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    flags: 1,
  })
})

test.each([
  'no traceparent',
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01',
  'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
])('%s is no trace', (trace) => {
  const entry = entryOf('token-reused', { event: { trace } })

  expect(otlp(entry, { personal: 'none' })).not.toHaveProperty('traceId')
  expect(ecs(entry, { personal: 'none' })).not.toHaveProperty('trace')
})

test('records of OTLP make one request', () => {
  const record = otlp(entryOf('token-reused'), { personal: 'none' })

  const request = JSON.parse(
    otlpRequest(
      [record, record].map((one) => JSON.stringify(one)),
      '1.2',
    ),
  )

  expect(request).toMatchObject({
    resourceLogs: [
      {
        resource: {
          attributes: [
            { key: 'service.name', value: { stringValue: 'holdfast' } },
            { key: 'service.version', value: { stringValue: '1.2' } },
          ],
        },
        scopeLogs: [{ scope: { name: 'holdfast.audit' }, logRecords: [record, record] }],
      },
    ],
  })
})

test.each([
  ['allow', 'success', 1],
  ['observe', 'success', 1],
  ['challenge', 'failure', 2],
  ['deny', 'failure', 3],
  ['limit', 'failure', 4],
  ['revoke', 'failure', 4],
] as const)('a session that was presented and met %s is a %s', (outcome, said, severity) => {
  const entry = entryOf('session-presented', {
    event: { decision: { outcome, score: 0, because: [] } },
  })

  expect(ecs(entry, { personal: 'none' })).toMatchObject({ event: { outcome: said, severity } })
})
