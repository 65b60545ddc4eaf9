import { describe, expect, test } from 'vitest'
import { type Codec, sealingCodec } from '../../src/codecs/codec.ts'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { factReader } from '../../src/codecs/record-facts.ts'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import type { SessionState } from '../../src/core/session.ts'
import type { Entry, Found } from '../../src/core/store.ts'
import type { Records } from '../../src/engine/context.ts'
import { sessionRecords } from '../../src/engine/state/records.ts'
import { describeNetwork } from '../../src/network/describe.ts'
import { laptop, NOON, oslo, sessionOf, used } from '../signals/scene.ts'

const MINUTE = 60_000

interface Scene {
  readonly records: Records
  /** How many records were decrypted. */
  readonly opened: () => number
  readonly advance: (ms: number) => void
  readonly place: Omit<Entry, 'sealed'>
  readonly state: SessionState
}

function scene(changes: Partial<SessionState> = {}): Scene {
  const host = fakeHost()
  const codec = sealingCodec(newKeyring(host), host)
  const session = sessionOf(used(oslo, laptop))
  const state = { ...session, id: codec.newSessionId(codec.subjectKey('default', 'ada')) }
  const { id, createdAt, deadline, idleMs, generation } = state
  let opened = 0
  let now = NOON
  const counting: Codec = {
    ...codec,
    open(place, sealed) {
      opened++
      return codec.open(place, sealed)
    },
  }
  return {
    records: sessionRecords({
      codec: counting,
      readFacts: factReader((ip) => describeNetwork(ip)),
      now: () => now,
      rememberedBytes: 1_000_000,
    }),
    opened: () => opened,
    advance: (ms) => {
      now += ms
    },
    place: { id, version: 1, generation, createdAt, deadline, idleMs },
    state: { ...state, ...changes },
  }
}

function asFound(entry: Entry): Found {
  return {
    ...entry,
    sealed: Uint8Array.from(entry.sealed),
    lastActivity: NOON,
    attributes: undefined,
  }
}

describe('a record that was opened or sealed before', () => {
  test('is the same session without being opened again, even in other bytes', () => {
    const { records, opened, place, state } = scene()
    const sealed = records.seal(place, state)

    expect(records.open(asFound(sealed)).state()).toBe(state)
    expect(records.open(asFound(sealed)).state()).toBe(state)
    expect(opened()).toBe(0)
  })

  test.each<[string, (sealed: Entry) => Partial<Entry>]>([
    ['version', ({ version }) => ({ version: version + 1 })],
    ['time of creation', ({ createdAt }) => ({ createdAt: createdAt + 1 })],
    ['deadline', ({ deadline }) => ({ deadline: deadline + 1 })],
    ['idle timeout', ({ idleMs }) => ({ idleMs: idleMs + 1 })],
    [
      'content',
      ({ sealed }) => ({ sealed: sealed.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) }),
    ],
    ['length', ({ sealed }) => ({ sealed: sealed.subarray(0, -1) })],
  ])('is opened, and refused, where the store has changed its %s', (_, change) => {
    const { records, opened, place, state } = scene()
    const sealed = records.seal(place, state)
    records.open(asFound(sealed))

    expect(() => records.open(asFound({ ...sealed, ...change(sealed) }))).toThrow(
      expect.objectContaining({ code: 'record_invalid' }),
    )
    expect(opened()).toBe(1)
  })

  test('is opened again under another generation', () => {
    const { records, opened, place, state } = scene({ generation: 5 })
    const sealed = records.seal({ ...place, generation: 5 }, state)

    expect(records.open(asFound({ ...sealed, generation: 6 })).head).toMatchObject({
      id: state.id,
    })
    expect(opened()).toBe(1)
    expect(() => records.open(asFound({ ...sealed, generation: 4 }))).toThrow(
      expect.objectContaining({ code: 'record_invalid' }),
    )
    expect(opened()).toBe(2)
  })

  test('is kept for a minute, by a clock that goes forward or back', () => {
    for (const step of [MINUTE, -MINUTE]) {
      const { records, opened, advance, place, state } = scene()
      const found = asFound(records.seal(place, state))

      advance(step - Math.sign(step))
      expect(records.open(found).state()).toBe(state)
      advance(Math.sign(step))
      expect(records.open(found).state()).toMatchObject({ id: state.id })
      expect(opened()).toBe(1)
      expect(records.open(found).state()).toMatchObject({ id: state.id })
      expect(opened()).toBe(1)
    }
  })

  test('is opened once where it is read twice in a row, also in a memory that is full', () => {
    const { records, opened, place, state } = scene()
    const found = asFound(records.seal(place, state))
    for (let n = 0; n < 4_100; n++) records.seal({ ...place, id: `${n}`.padStart(43, 'A') }, state)

    expect(records.open(found)).toBe(records.open(found))
    expect(opened()).toBe(1)
  })

  test('is another record once a family in it has changed, and opens as what it says', () => {
    const { records, opened, advance, place, state } = scene()
    const digest = 'ab'.repeat(16)
    const family = { ...state.family, current: { ...state.family.current, digest } }
    const asSealed = asFound(records.seal(place, state))
    advance(MINUTE)
    let record = records.open(asSealed)
    expect(opened()).toBe(0)

    for (let version = 2; version <= 3; version++) {
      const entry = { ...place, version }
      record = records.open(
        asFound(records.sealRotated(entry, { record, kind: 'session', family })),
      )
      expect(record.head.family.current.digest).toBe(digest)
      expect(record.refresh()).toEqual(state.refresh)
      // What nobody has asked for yet is decoded from what was written.
      expect(record.state()).toMatchObject({ id: state.id, subject: state.subject, family })
      // The next rotation starts from the bytes of this one.
      expect(opened()).toBe(1)
    }
  })

  test('does not change with the buffer that it was sealed into', () => {
    const { records, opened, place, state } = scene()
    const sealed = records.seal(place, state)
    const found = asFound(sealed)
    sealed.sealed.fill(0)

    expect(records.open(found).state()).toBe(state)
    expect(opened()).toBe(0)
  })
})
