import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createWriter,
  readInt,
  readText,
  readUint,
  withoutZeros,
  withZeros,
} from '../../src/codecs/bytes.ts'
import { decodeHistory, encodeHistory } from '../../src/codecs/history-record.ts'
import { factReader } from '../../src/codecs/record-facts.ts'
import { withFamilyIn } from '../../src/codecs/session-bytes.ts'
import { decodeSession, encodeSession, openSession } from '../../src/codecs/session-record.ts'
import { contextKey } from '../../src/core/context.ts'
import { describeDevice } from '../../src/core/device.ts'
import { NO_HISTORY, type SubjectHistory } from '../../src/core/history.ts'
import type { Device, Network } from '../../src/core/request.ts'
import { settlingTime } from '../../src/core/rotation.ts'
import { headOf, type SessionState, type TokenFamily } from '../../src/core/session.ts'
import { describeNetwork } from '../../src/network/describe.ts'
import { USUAL } from '../../src/signals/weights.ts'
import { laptop, MINUTE, NOON, oslo, past, sessionOf, used } from '../signals/scene.ts'

const readFacts = factReader((ip) => describeNetwork(ip))

const instant = fc.integer({ min: 0, max: 2 ** 44 })
const count = fc.integer({ min: 0, max: 2 ** 31 })
const text = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
const word = fc.oneof(fc.constantFrom('default', 'remember', 'pwd', 'otp', 'mfa'), text)
const digest = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => hexOf(bytes))
const network: fc.Arbitrary<Network> = fc
  .oneof(fc.constant(null), fc.ipV4(), fc.ipV6())
  .map((ip) => describeNetwork(ip))
const device: fc.Arbitrary<Device> = fc
  .constantFrom(
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
      'Chrome/147.0.0.0 Safari/537.36',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like ' +
      'Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
    'curl/8.5.0',
    '',
  )
  .chain((agent) =>
    fc
      .record({
        languages: fc.constantFrom('', 'nb-NO,nb;q=0.9,en;q=0.8', 'de'),
        brands: fc.constantFrom(
          '',
          '"Chromium";v="147", "Google Chrome";v="147"',
          '"Brave";v="147", "Chromium";v="147"',
          '"Fork of ours";v="1", "Chromium";v="147"',
        ),
        platform: fc.constantFrom('"Windows"', '"Linux"'),
        screen: fc.constantFrom('2560x1440x1', '390x844x3', 'none'),
        timezone: fc.constantFrom('Europe/Oslo', 'none of them'),
        tls: fc.constantFrom(
          'none',
          't13d1516h2_8daaf6152771_02713d6af862',
          'q13i0312h3_55b375c5d22e_06cda9e17597',
        ),
      })
      .map(({ languages, brands, platform, screen, timezone, tls }) =>
        describeDevice({
          ip: null,
          method: 'GET',
          url: '/',
          headers: {
            'user-agent': agent,
            'accept-language': languages,
            'sec-ch-ua': brands,
            'sec-ch-ua-platform': platform,
          },
          client: { screen, timezone },
          tls,
        }),
      ),
  )
const use = fc.record({ network, device })

const context = fc
  .record({
    use,
    state: fc.constantFrom('confirmed', 'provisional', 'challenged'),
    firstSeen: instant,
    lastSeen: instant,
    visits: count,
    evidence: count,
    evidenceAt: instant,
    because: fc.array(
      fc.record({
        group: fc.constantFrom('N', 'D', 'C', 'R', 'K', 'B', 'P'),
        reason: text,
        weight: fc.integer({ min: -100, max: 100 }),
      }),
      { maxLength: 4 },
    ),
    rereads: fc.integer({ min: 0, max: 9 }),
    newAs: fc.option(text),
    sessionOnly: fc.boolean(),
  })
  .map(({ use: { network, device }, rereads, newAs, sessionOnly, ...rest }) => ({
    ...rest,
    key: contextKey(network, device),
    network,
    device,
    ...(rereads === 0 ? {} : { rereads }),
    ...(newAs === null ? {} : { newAs }),
    ...(sessionOnly && rest.state === 'confirmed' ? { sessionOnly } : {}),
  })) as fc.Arbitrary<SessionState['contexts'][number]>

const line: fc.Arbitrary<TokenFamily> = fc.record({
  id: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((id) => Buffer.from(id).toString('hex')),
  current: fc.record({ generation: count, digest, mintedAt: instant, notedAt: instant }),
  beganAt: instant,
  shownAt: instant,
  previous: fc.option(fc.record({ digest, until: instant })),
  outstanding: fc.option(fc.record({ digest, mintedAt: instant })),
  contexts: fc.array(text, { maxLength: 2 }),
})

const state: fc.Arbitrary<SessionState> = fc
  .record({
    generation: count,
    subject: text,
    attributesDigest: fc.option(
      fc
        .uint8Array({ minLength: 8, maxLength: 8 })
        .map((bytes) => Buffer.from(bytes).toString('hex')),
    ),
    tenant: word,
    class: word,
    createdAt: instant,
    deadline: instant,
    idleMs: instant,
    factors: fc.array(word, { maxLength: 4 }),
    origin: use,
    family: fc.record({
      acr: fc.option(word),
      amr: fc.array(word, { maxLength: 4 }),
      authenticatedAt: instant,
      provedIn: text,
      line,
    }),
    refresh: fc.option(line),
    contexts: fc.array(context, { maxLength: 16 }),
    last: use,
    lastAt: instant,
    fork: fc.option(fc.record({ at: instant })),
    prompts: fc.array(instant, { maxLength: 3 }),
    failures: fc.array(fc.record({ context: text, count }), { maxLength: 16 }),
    switchBacks: fc.array(fc.record({ at: instant, from: text, to: text }), { maxLength: 8 }),
    stepUp: fc.option(fc.record({ nonce: text, at: instant, digest, context: text })),
  })
  .map(({ family: { line, ...family }, last, lastAt, ...rest }) => {
    const keys = rest.contexts.map(({ key }) => key)
    return {
      ...rest,
      id: 'id',
      family: {
        ...line,
        ...family,
        contexts: [...keys, ...line.contexts],
      },
      last: { context: contextKey(last.network, last.device), ...last, at: lastAt },
    }
  })

describe('records', () => {
  test('any session reads back as it was written', () => {
    fc.assert(
      fc.property(state, (session) => {
        const bytes = Buffer.from(encodeSession(session))

        expect(decodeSession(bytes, session, readFacts)).toEqual(session)
      }),
      { numRuns: 300 },
    )
  })

  test('what is decoded first is what the whole session says', () => {
    fc.assert(
      fc.property(state, (session) => {
        const bytes = Buffer.from(encodeSession(session))
        const opened = openSession(bytes, session, readFacts)
        const { head } = opened
        const { standing, ...others } = headOf(session)

        expect(head).toMatchObject(others)
        expect(head.standing?.state).toBe(standing?.state)
        expect(head.standing?.evidence).toBe(standing?.evidence)
        expect(head.standing?.lastSeen).toBe(standing?.lastSeen)
        // What another record was decoded into meanwhile does not show.
        openSession(Buffer.from(encodeSession({ ...session, prompts: [] })), session, readFacts)
        expect(opened.state()).toEqual(session)
      }),
      { numRuns: 100 },
    )
  })

  test('with another family in its place a record is what encoding all of it gives', () => {
    const kinds = fc.constantFrom('session' as const, 'refresh' as const)
    fc.assert(
      fc.property(state, line, kinds, (session, family, kind) => {
        const settled = { ...session, stepUp: null }
        const bytes = Buffer.from(encodeSession(settled))
        const changed =
          kind === 'refresh'
            ? { ...settled, refresh: family }
            : { ...settled, family: { ...settled.family, ...family } }
        const before = openSession(bytes, settled, readFacts).bytes()
        const written = before && withFamilyIn(before, kind, family)

        const whole = Buffer.from(encodeSession(changed))
        expect(Buffer.from(written?.content ?? '', 'latin1')).toEqual(whole)
        expect(written).toEqual(openSession(whole, settled, readFacts).bytes())
        expect(openSession(bytes, settled, readFacts).refresh()).toEqual(settled.refresh)
      }),
      { numRuns: 200 },
    )
  })

  test('a record with a step-up that may be past is written as a whole', () => {
    const session = sessionOf(used(oslo, laptop))
    const stepUp = { nonce: 'n', at: session.createdAt, digest: '00'.repeat(16), context: 'c' }
    const bytes = Buffer.from(encodeSession({ ...session, stepUp }))
    const opened = openSession(bytes, session, readFacts)

    expect(opened.bytes()).toBeUndefined()
  })

  test('any history reads back as it was written', () => {
    const known = context.map(
      ({ key, network, device, state: reached, firstSeen, lastSeen, visits }) => ({
        key,
        network,
        device,
        state: reached === 'challenged' ? ('familiar' as const) : reached,
        firstSeen,
        lastSeen,
        visits,
      }),
    )
    const histories: fc.Arbitrary<SubjectHistory> = fc.record({
      contexts: fc.array(known, { maxLength: 32 }),
      failedLogins: fc.array(instant, { maxLength: 16 }),
      hours: fc.oneof(
        fc.constant([]),
        fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 24, maxLength: 24 }),
      ),
      changes: fc.record({
        period: count,
        total: count,
        byReason: fc
          .array(fc.tuple(fc.constantFrom(...Object.keys(USUAL)), count))
          .map((counts) => Object.fromEntries(counts)),
      }),
    })
    fc.assert(
      fc.property(histories, (history) => {
        const bytes = Buffer.from(encodeHistory(history))

        expect(decodeHistory(bytes, readFacts)).toEqual(history)
      }),
    )
  })

  test('an address of neither four nor sixteen bytes is refused with a code', () => {
    const odd = Buffer.from([7, 1, 1, 129])

    const terms = { id: 'id', createdAt: 0, deadline: 1, idleMs: 1 }
    expect(() => decodeSession(odd, terms, readFacts)).toThrow(
      expect.objectContaining({ code: 'record_invalid' }),
    )
  })

  test('a record cut short, drawn out or of another layout is refused with a code', () => {
    const refused = expect.objectContaining({ code: 'record_invalid' })
    const terms = { id: 'id', createdAt: 0, deadline: 1, idleMs: 1 }
    fc.assert(
      fc.property(state, fc.nat(), (session, seed) => {
        const bytes = Buffer.from(encodeSession(session))
        const cut = bytes.subarray(0, seed % bytes.length)
        const drawnOut = Buffer.concat([bytes, Buffer.of(0)])
        const foreign = withoutZeros(Buffer.concat([Buffer.of(99), withZeros(bytes).subarray(1)]))

        for (const wrong of [cut, drawnOut, foreign]) {
          expect(() => decodeSession(wrong, session, readFacts)).toThrow(refused)
        }
      }),
      { numRuns: 50 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const record = Buffer.from([7, ...bytes])
        expect(() => decodeSession(record, terms, readFacts)).toThrow(refused)
        let history: SubjectHistory
        try {
          history = decodeHistory(record, readFacts)
        } catch (error) {
          expect(error).toEqual(refused)
          return
        }
        // a history can be three bytes short, so that chance writes one now and then: then it is
        // one
        expect(decodeHistory(Buffer.from(encodeHistory(history)), readFacts)).toEqual(history)
      }),
    )
  })

  test('what an address means is looked up when a record is opened', () => {
    fc.assert(
      fc.property(state, (session) => {
        const moved = factReader((ip) => ({ ...describeNetwork(ip), country: 'NO', asn: 64_500 }))
        const opened = decodeSession(Buffer.from(encodeSession(session)), session, moved)

        expect(opened.last.network).toMatchObject({ country: 'NO', asn: 64_500 })
        expect(opened.last.network.address).toBe(session.last.network.address)
      }),
      { numRuns: 20 },
    )
  })
})

test('zeros that were left out come back, with at most seven more', () => {
  const sparse = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })))
  fc.assert(
    fc.property(sparse, (bytes) => {
      const again = withZeros(withoutZeros(Uint8Array.from(bytes)))

      expect([...again.subarray(0, bytes.length)]).toEqual(bytes)
      expect([...again.subarray(bytes.length)]).toEqual(
        Array(8 * Math.ceil(bytes.length / 8) - bytes.length).fill(0),
      )
    }),
  )
})

describe('a record of the first layout', () => {
  const home = describeNetwork('84.208.10.20')
  const away = describeNetwork('2a01:799:1:2::3')
  const contexts = [used(home, laptop), used(away, laptop, { state: 'provisional' })] as const

  test('opens as a session without returns', () => {
    const session = sessionOf(...contexts)
    const digest = '00112233445566778899aabbccddeeff'
    const { current } = session.family
    const written = Buffer.from(
      '/wECBFTQChQQryoBB5kBAoAD/wERBgEBnQGA/xSgCwJ4MQ4D9zg3AQNhZGH3AQEBBHRvdAlwAkIB' +
        'AQkBAbgBAQER/yIzRFVmd4iZP6q7zN3u/yABOgEBAgI=',
      'base64',
    )

    expect(decodeSession(written, session, readFacts)).toEqual({
      ...session,
      prompts: [NOON],
      failures: [{ context: session.last.context, count: 2 }],
      family: {
        ...session.family,
        id: '0000000000000001',
        current: { ...current, digest },
        beganAt: NOON - 2 * settlingTime('session'),
      },
      switchBacks: [],
    })
  })

  test('opens as a past without counts', () => {
    const written = Buffer.from(
      '/wGAyK/1nmgC/wRU0AoUECoBKweZAQLgAwER/wYBAZ0BgBSg/wsCeDEOAzg3gwECAeUBAQEBwAOpBw==',
      'base64',
    )

    expect(decodeHistory(written, readFacts)).toEqual({
      ...past(...contexts),
      failedLogins: [NOON + MINUTE],
      hours: [],
      changes: NO_HISTORY.changes,
    })
  })
})

test('the counts of a frequent traveller take a dozen bytes, none take none', () => {
  const lengthOf = (changes: SubjectHistory['changes']): number =>
    encodeHistory({ ...past(used(describeNetwork('84.208.10.20'), laptop)), changes }).length
  const byReason = { hosting_known: 900, network_new_far: 700, country_new_clock_moved: 80 }
  const none = lengthOf(NO_HISTORY.changes)

  expect(lengthOf({ period: 690, total: 12_000, byReason }) - none).toBeLessThanOrEqual(16)
  expect(none).toBeLessThanOrEqual(64)
})

describe('numbers and texts of a record', () => {
  test('read back, and numbers that are none are refused before they are written', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer(), fc.string({ unit: 'binary' }), (n, z, s) => {
        const writer = createWriter()
        writer.uint(n)
        writer.int(z)
        writer.text(s)
        const cursor = { bytes: writer.end(), at: 0 }

        expect([readUint(cursor), readInt(cursor)]).toEqual([n, z])
        expect(readText(cursor)).toBe(Buffer.from(s).toString())
      }),
    )
    for (const wrong of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
      expect(() => createWriter().uint(wrong)).toThrow(RangeError)
    }
  })
})

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
