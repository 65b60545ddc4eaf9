import { describe, expect, test } from 'vitest'
import {
  firstSecret,
  overdueFor,
  REPEAT_MS,
  rotationStatus,
  type ShownSecret,
  settlingTime,
  successorDue,
  withNote,
  withoutOldStepUp,
  withShown,
} from '../../src/core/rotation.ts'
import type { TokenFamily } from '../../src/core/session.ts'
import type { TokenKind } from '../../src/core/token.ts'
import { laptop, NOON, oslo, sessionOf, used } from '../signals/scene.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const EVERY = 5 * MINUTE
const W = 82 * SECOND

/** A secret by its name; its digest is the name of its link. */
interface Made {
  readonly name: string
  readonly generation: number
  readonly mintedAt: number
  readonly parent: string
  readonly grandparent: string
}

const a: Made = { name: 'a', generation: 1, mintedAt: 0, parent: 'none', grandparent: 'none' }

function successorOf(parent: Made, name: string, mintedAt: number): Made {
  const { name: link, parent: grandparent, generation } = parent
  return { name, generation: generation + 1, mintedAt, parent: link, grandparent }
}

function shown(
  { name, generation, ...descent }: Made,
  at: number,
  context = 'home',
  kind: TokenKind = 'session',
): ShownSecret {
  return { kind, generation, digest: name, descent, at, judgedAt: at, context }
}

const fresh: TokenFamily = {
  id: '0000000000000001',
  ...firstSecret({ digest: 'a', at: 0, kind: 'session' }),
  contexts: ['home'],
}

function statusOf(family: TokenFamily, secret: Made, at: number): string {
  const status = rotationStatus(family, shown(secret, at))
  return status.status === 'fork' && status.rolledBack ? 'rolled back' : status.status
}

function goneOn(family: TokenFamily, secret: Made, at: number, context = 'home'): TokenFamily {
  const showing = shown(secret, at, context)
  return withShown(family, showing, rotationStatus(family, showing))
}

/** Successors of `a`, each for an answer of its own. */
const b = successorOf(a, 'b', 300 * SECOND)
const sibling = successorOf(a, 'b2', 302 * SECOND)
const late = successorOf(a, 'b3', 316 * SECOND)
/** `b` was shown at 305 s. */
const second = goneOn(fresh, b, 305 * SECOND)
const c = successorOf(b, 'c', 600 * SECOND)
const third = goneOn(second, c, 601 * SECOND)

describe('the table of rotation', () => {
  test.each([
    ['the current secret', fresh, a, 0, 'current'],
    ['the current secret, hours later', fresh, a, 7_200, 'current'],
    ['a successor', fresh, b, 305, 'next'],
    ['another successor of the same secret', fresh, sibling, 305, 'next'],
    ['a successor, hours later', fresh, b, 7_200, 'next'],
    ['the one before, in flight', second, a, 367, 'in_flight'],
    ['the one before, later', second, a, 368, 'fork'],
    ['a sibling that may be under way', second, sibling, 382, 'sibling'],
    ['a sibling after that, where nobody showed the current one', second, sibling, 383, 'moved'],
    ['a sibling minted after its generation was shown', second, late, 317, 'fork'],
    ['the successor of the current one', second, c, 600, 'next'],
    ['the successor of a sibling', second, successorOf(sibling, 'x', 500 * SECOND), 501, 'next'],
    ['two ahead, by the current one', fresh, successorOf(b, 'y', 600 * SECOND), 601, 'next'],
    ['two ahead, by nothing on record', fresh, { ...c, grandparent: '?' }, 601, 'rolled back'],
    [
      'the next one, by nothing on record',
      second,
      { ...c, parent: '?', grandparent: '?' },
      601,
      'fork',
    ],
    ['an older one', third, a, 602, 'fork'],
    ['a sibling of the one before', third, sibling, 602, 'fork'],
    ['of this generation, by nothing on record', second, { ...sibling, parent: '?' }, 310, 'fork'],
    ['of the first generation, and not the first', fresh, { ...a, name: 'a2' }, 1, 'fork'],
    [
      'the next one, by a clock that was set back',
      fresh,
      successorOf(a, 'z', 900_000),
      305,
      'next',
    ],
  ] as const)('%s', (_title, family, secret, at, status) => {
    expect(statusOf(family, secret, at * SECOND)).toBe(status)
  })

  test('a sibling is a second holder once the generation is settled without it', () => {
    const settled = withNote(second, shown(b, 385 * SECOND), { everyMs: EVERY, succeeded: true })

    expect(settled.current.notedAt).toBe(385 * SECOND)
    expect(statusOf(settled, sibling, 386 * SECOND)).toBe('fork')
  })

  test('refresh tokens are under way for twenty seconds at most', () => {
    const first = firstSecret({ digest: 'a', at: 0, kind: 'refresh' })
    const family: TokenFamily = { ...fresh, ...first }
    const next = shown(b, 305 * SECOND, 'home', 'refresh')
    const gone = withShown(family, next, rotationStatus(family, next))

    expect(settlingTime('refresh')).toBe(40 * SECOND)
    expect(gone.previous).toEqual({ digest: 'a', until: 325 * SECOND })
  })
})

describe('how a family goes on', () => {
  test('the parent of a successor stays good for what is in flight', () => {
    expect(second).toEqual({
      ...fresh,
      current: { generation: 2, digest: 'b', mintedAt: 300 * SECOND, notedAt: 305 * SECOND },
      beganAt: 305 * SECOND,
      shownAt: 305 * SECOND,
      previous: { digest: 'a', until: 367 * SECOND },
    })
  })

  test('a successor shown late leaves its parent no longer than the answer could take', () => {
    const hoursLater = goneOn(fresh, b, 7_200 * SECOND)

    expect(hoursLater.previous?.until).toBe((300 + 20 + 62) * SECOND)
    expect(hoursLater.beganAt).toBe(b.mintedAt + W)
    expect(hoursLater.shownAt).toBe(7_200 * SECOND)
  })

  test('a secret that says it was made later than it was shown counts as made then', () => {
    const next = goneOn(fresh, successorOf(a, 'z', 10 ** 12), 305 * SECOND)

    expect(next.current.mintedAt).toBe(305 * SECOND)
    expect(next.beganAt).toBe(305 * SECOND)
  })

  test('where a sibling had been the current one, that one is the one before', () => {
    const next = goneOn(second, successorOf(sibling, 'x', 500 * SECOND), 501 * SECOND)

    expect(next.previous?.digest).toBe('b2')
  })

  test('its state does not grow, whatever is shown', () => {
    let family = fresh
    let secret = a
    for (let round = 1; round <= 50; round++) {
      secret = successorOf(secret, `s${round}`, round * EVERY)
      for (const context of ['home', 'train', 'work', 'hotel']) {
        family = goneOn(family, secret, round * EVERY + SECOND, context)
      }
    }

    expect(family.contexts).toEqual(['home', 'train'])
    expect(Object.keys(family)).toEqual(Object.keys(fresh))
  })

  test('a sibling in flight, a secret in flight and a fork change nothing', () => {
    expect(goneOn(second, sibling, 310 * SECOND)).toBe(second)
    expect(goneOn(second, a, 310 * SECOND)).toBe(second)
    expect(goneOn(third, a, 610 * SECOND)).toBe(third)
  })
})

describe('a successor is due', () => {
  const due = (
    family: TokenFamily,
    at: number,
    { kind = 'session', sensitive = false }: { kind?: TokenKind; sensitive?: boolean } = {},
  ): boolean =>
    successorDue(
      family,
      { kind, at: at * SECOND },
      { everyMs: EVERY, sensitivity: sensitive ? 'sensitive' : 'normal' },
    )

  test('every five minutes, from the minting of the current one', () => {
    expect(due(second, 599)).toBe(false)
    expect(due(second, 600)).toBe(true)
  })

  test('before a sensitive route, and where a second context uses it, once that is settled', () => {
    const shared = goneOn(second, b, 310 * SECOND, 'train')

    expect(due(second, 387, { sensitive: true })).toBe(false)
    expect(due(second, 388, { sensitive: true })).toBe(true)
    expect(due(shared, 387)).toBe(false)
    expect(due(shared, 388)).toBe(true)
  })

  test('of the first secret at once', () => {
    expect(due(fresh, 0, { sensitive: true })).toBe(true)
  })

  test('of a refresh token always, but not twice within forty seconds', () => {
    const refresh = { ...second, beganAt: 305 * SECOND }

    expect(due(refresh, 345, { kind: 'refresh' })).toBe(false)
    expect(due(refresh, 346, { kind: 'refresh' })).toBe(true)
  })
})

describe('what is noted of the current secret', () => {
  const note = (family: TokenFamily, at: number, succeeded: boolean): TokenFamily =>
    withNote(family, { kind: 'session', at: at * SECOND }, { everyMs: EVERY, succeeded })

  test('its first successor, once', () => {
    const noted = note(second, 400, true)

    expect(noted.current.notedAt).toBe(400 * SECOND)
    expect(note(noted, 401, true)).toBe(noted)
  })

  test('that it was seen due, even where no answer could carry a successor, once', () => {
    const noted = note(second, 601, false)

    expect(noted.current.notedAt).toBe(601 * SECOND)
    expect(note(noted, 700, false)).toBe(noted)
    expect(note(second, 599, false)).toBe(second)
  })

  test('it is overdue ten minutes later, and not because nobody was there', () => {
    const noted = note(second, 601, true)

    expect(overdueFor(second, 20_000 * SECOND, EVERY)).toBeUndefined()
    expect(overdueFor(noted, 1_200 * SECOND, EVERY)).toBeUndefined()
    expect(overdueFor(noted, 1_201 * SECOND, EVERY)).toBe(600 * SECOND)
  })
})

describe('the first secrets of a step-up', () => {
  const first = firstSecret(
    { digest: 'a', at: 0, kind: 'session' },
    { parent: 'step', until: REPEAT_MS },
  )
  const family: TokenFamily = { ...fresh, ...first }
  const repeated = (mintedAt: number): Made => ({ ...a, name: 'a2', parent: 'step', mintedAt })

  test('are siblings for as long as its answer may be asked for again', () => {
    expect(statusOf(family, repeated(59 * SECOND), 60 * SECOND)).toBe('sibling')
    expect(statusOf(family, repeated(59 * SECOND), 200 * SECOND)).toBe('moved')
    expect(statusOf(family, repeated(61 * SECOND), 62 * SECOND)).toBe('fork')
  })

  test('and nobody has the secret before them', () => {
    expect(statusOf(family, { ...a, generation: 0, name: 'step' }, 0)).toBe('fork')
  })

  test('a step-up is forgotten once its answer cannot be asked for again', () => {
    const stepUp = { nonce: 'n', at: NOON, digest: 'd', context: 'c' }
    const session = { ...sessionOf(used(oslo, laptop)), stepUp }

    expect(withoutOldStepUp(session, NOON + REPEAT_MS)).toBe(session)
    expect(withoutOldStepUp(session, NOON + REPEAT_MS + 11 * SECOND).stepUp).toBeNull()
  })
})
