import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sealingCodec } from '../../src/codecs/codec.ts'
import { decodeEvent, encodeEvent, openEvent, sealEvent } from '../../src/codecs/event-record.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import { samples } from '../../src/contracts/stores/sample-entry.ts'
import { EVENT_TYPES, type SessionEvent } from '../../src/core/events.ts'
import { evidenceOf, REASONS, type Reason } from '../../src/signals/reasons.ts'

const host = fakeHost()
const make = samples(host)
const codec = sealingCodec(newKeyring(), host)
const { id: session } = make.entry()
const place = { asn: 2119, organisation: 'Telenor Norge AS', kind: 'fixed', country: 'NO' } as const

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const LOGIN: SessionEvent = {
  id: make.event().id,
  type: 'session-established',
  at: host.now(),
  actor: 'client',
  subject: session.slice(0, 21).concat(subjectEnd()),
  session,
  network: { ...place, city: 'Oslo' },
  device: { family: 'chrome', major: 147, os: 'windows' },
  decision: { outcome: 'allow', score: 0, because: [] },
  situation: null,
  reason: 'default',
  correlation: null,
}

function subjectEnd(): string {
  return Buffer.from(session, 'base64url').subarray(0, 16).toString('base64url').slice(21)
}

const again = (event: SessionEvent): SessionEvent =>
  decodeEvent(event.id, Buffer.from(encodeEvent(event))).event

test('an event says what it said, in the same order', () => {
  expect(again(LOGIN)).toEqual(LOGIN)
  expect(JSON.stringify(again(LOGIN))).toBe(JSON.stringify(LOGIN))
})

test('a login takes less than a quarter of its JSON, one with reasons a sixth', () => {
  const here = 'unknown provider'
  const detail = { here, usual: here, asn: null, kind: 'unknown', country: null }
  const because = [
    evidenceOf('network_same_address', -15, { ...detail, timezone: 'Europe/Oslo' }),
    evidenceOf('device_identical', -2, {
      here: 'chrome 147 on windows',
      before: 'chrome 147 on windows',
    }),
  ]
  const known: SessionEvent = { ...LOGIN, decision: { outcome: 'allow', score: -17, because } }

  expect(encodeEvent(LOGIN).length).toBeLessThan(JSON.stringify(LOGIN).length / 4)
  expect(encodeEvent(known).length).toBeLessThan(JSON.stringify(known).length / 6)
  expect(again(known)).toEqual(known)
})

test('every type and every reason comes back', () => {
  for (const type of EVENT_TYPES) expect(again({ ...LOGIN, type })).toEqual({ ...LOGIN, type })
  for (const reason of Object.keys(REASONS) as Reason[]) {
    const because = [evidenceOf(reason, 12, { here: 'here', seen: 3 })]
    const event: SessionEvent = { ...LOGIN, decision: { outcome: 'challenge', score: 12, because } }
    expect(again(event)).toEqual(event)
  }
})

test('reasons of other signals, and sentences of other versions, come back as they were', () => {
  const own = { group: 'B', reason: 'own_reason', weight: 3, detail: {}, text: 'My own.' } as const
  const old = { ...evidenceOf('not_me', 0), text: 'Another sentence.' }
  const event: SessionEvent = {
    ...LOGIN,
    decision: { outcome: 'observe', score: 3, because: [own, old] },
  }

  expect(again(event)).toEqual(event)
})

test('whatever an event holds comes back as from JSON', () => {
  const text = fc.string({ unit: 'grapheme' })
  const detail = fc.dictionary(
    text,
    fc.oneof(text, fc.integer(), fc.double({ noNaN: true }), fc.boolean(), fc.constant(null)),
  )
  const evidence = fc.record({
    group: fc.constantFrom('N', 'D', 'B' as const),
    reason: fc.oneof(text, fc.constantFrom(...Object.keys(REASONS))),
    weight: fc.integer(),
    detail,
    text,
  })
  const event = fc.record({
    type: fc.constantFrom(...EVENT_TYPES),
    at: fc.nat({ max: 2 ** 48 - 1 }),
    actor: text,
    subject: fc.option(fc.constantFrom(LOGIN.subject, make.subject())),
    session: fc.option(fc.constantFrom(session, make.entry().id)),
    reason: fc.option(text),
    correlation: fc.option(text),
    decision: fc.option(
      fc.record({
        outcome: fc.constantFrom('allow', 'limit' as const),
        score: fc.integer(),
        because: fc.array(evidence, { maxLength: 4 }),
      }),
    ),
    later: fc.jsonValue(),
  })

  fc.assert(
    fc.property(event, (changes) => {
      const whole = { ...LOGIN, ...changes } as unknown as SessionEvent
      expect(again(whole)).toEqual(JSON.parse(JSON.stringify(whole)))
    }),
    { numRuns: 300 },
  )
})

test('an event without later fields is byte for byte what it was before there were any', () => {
  const event: SessionEvent = {
    id: LOGIN.id,
    type: 'session-revoked',
    at: 1_700_000_000_000,
    actor: 'operations',
    subject: 'yBnb73EJYajGRQNpDLU36Q',
    session: 'yBnb73EJYajGRQNpDLU36XAyLJVB7Ze3F6ZRfxjoNR8',
    network: null,
    device: null,
    decision: null,
    situation: null,
    reason: 'stolen_laptop',
    correlation: 'request-1',
  }
  const before =
    '010fcd068180adf9e78b03546f7065726174696f6e731013c819dbef710961a8c64503690cb537e970322c9541ed' +
    '97b717a6517f18e8351f000000006c73746f6c656e5f6c6170746f704c726571756573742d31'

  expect(Buffer.from(encodeEvent(event)).toString('hex')).toBe(before)
  expect(decodeEvent(LOGIN.id, Buffer.from(before, 'hex'))).toEqual({ event, personal: null })
})

test.each([
  ['how a person logged in', { authentication: { acr: 'urn:mfa', amr: ['pwd', 'otp'] } }],
  ['where a request stands in a trace', { trace: TRACE }],
  ['both', { authentication: { acr: null, amr: [] }, trace: TRACE }],
])('an event tells %s, and beside it who a person is', (_, more) => {
  const event: SessionEvent = { ...LOGIN, ...more }
  const personal = {
    subject: 'ada@example.org',
    tenant: 'default',
    address: '2001:db8::1',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
  }
  const bytes = Buffer.from(encodeEvent(event, personal))

  expect(again(event)).toEqual(event)
  expect(JSON.stringify(again(event))).toBe(JSON.stringify(event))
  expect(decodeEvent(event.id, bytes)).toEqual({ event, personal })
  expect(Object.keys(decodeEvent(event.id, bytes).event)).toEqual(Object.keys(event))
})

test('what a login tells of its factors takes at most eight bytes', () => {
  const login = { ...LOGIN, authentication: { acr: null, amr: ['pwd', 'otp'] } }

  expect(encodeEvent(login).length - encodeEvent(LOGIN).length).toBeLessThanOrEqual(8)
})

test('an event that was written as JSON is read', () => {
  const sealed = codec.sealJson({ kind: 'event', id: LOGIN.id, version: 1 }, LOGIN)

  expect(openEvent(codec, LOGIN.id, sealed)).toEqual({ event: LOGIN, personal: null })
})

test('a sealed event opens under its own id alone', () => {
  const sealed = sealEvent(codec, LOGIN)

  expect(openEvent(codec, LOGIN.id, sealed)).toEqual({ event: LOGIN, personal: null })
  expect(() => openEvent(codec, make.event().id, sealed)).toThrow(
    expect.objectContaining({ code: 'record_invalid' }),
  )
})

test('what no version wrote is refused, wherever it is cut or changed', () => {
  const content = Buffer.from(encodeEvent(LOGIN))
  const refused = expect.objectContaining({ code: 'record_invalid' })

  for (let end = 0; end < content.length; end++) {
    expect(() => decodeEvent(LOGIN.id, content.subarray(0, end))).toThrow(refused)
  }
  expect(() => decodeEvent(LOGIN.id, Buffer.concat([content, Buffer.of(0)]))).toThrow(refused)
  expect(() => decodeEvent(LOGIN.id, Buffer.from([2, ...content.subarray(1)]))).toThrow(refused)
  const nested = Buffer.from([1, ...new Array<number>(1_000).fill(8 + 6), 0])
  expect(() => decodeEvent(LOGIN.id, nested)).toThrow(refused)
})
