import { describe, expect, test } from 'vitest'
import {
  firstSecret,
  rotationStatus,
  withFirstUse,
  withSibling,
  withSuccessor,
} from '../../src/core/rotation.ts'
import type { Secret, SessionFamily } from '../../src/core/session.ts'

const HOME = 'home'
const ELSEWHERE = 'elsewhere'
const SECOND = 1_000

function secret(generation: number, mintedAt: number): Secret {
  return { generation, digest: `digest-${generation}`, mintedAt, token: `token-${generation}` }
}

/** Generation 1 acknowledged at 0 and used from home, generation 2 sent at 100 s. */
const outstanding: SessionFamily = withSuccessor(
  {
    id: 1,
    acr: null,
    amr: [],
    authenticatedAt: 0,
    provedIn: HOME,
    ...firstSecret(secret(1, 0)),
    contexts: [HOME],
  },
  secret(2, 100 * SECOND),
)

/** Generation 2 shown first at 110 s, generation 3 not yet sent. */
const acknowledged = withFirstUse(outstanding, HOME, 110 * SECOND)

/** Generations 3 and 4, each sent and shown moments after the one before. */
const third = withFirstUse(withSuccessor(acknowledged, secret(3, 111 * SECOND)), HOME, 112 * SECOND)
const fourth = withFirstUse(withSuccessor(third, secret(4, 113 * SECOND)), HOME, 114 * SECOND)

/** The response with generation 2 was lost; its sibling 3 took its place at 130 s. */
const displaced = withSibling(outstanding, secret(3, 130 * SECOND), 130 * SECOND)

function show(family: SessionFamily, generation: number, at: number, context = HOME): string {
  const digest = `digest-${generation}`
  return rotationStatus(family, { generation, digest, context, at: at * SECOND }).status
}

describe('the case table of rotation', () => {
  test.each([
    ['the newest secret, for the first time', outstanding, 2, 105, HOME, 'current'],
    ['the newest secret again', acknowledged, 2, 500, HOME, 'current'],
    ['the predecessor within 10 s of minting', outstanding, 1, 110, HOME, 'resend'],
    ['the predecessor later than 10 s', outstanding, 1, 111, HOME, 'lost'],
    ['a predecessor in flight for 60 s', acknowledged, 1, 170, HOME, 'in_flight'],
    ['a predecessor from a context that never used it', acknowledged, 1, 120, ELSEWHERE, 'fork'],
    ['a predecessor after 60 s', acknowledged, 1, 171, HOME, 'fork'],
    ['the secret before that, in flight for 60 s', fourth, 1, 170, HOME, 'in_flight'],
    ['the secret before that, after 60 s', fourth, 1, 171, HOME, 'fork'],
    ['the one that came between, in flight for longer', fourth, 2, 172, HOME, 'in_flight'],
    ['an older one from a context that never used it', fourth, 1, 120, ELSEWHERE, 'fork'],
    ['a displaced sibling within 10 s', displaced, 2, 140, HOME, 'in_flight'],
    ['a displaced sibling later', displaced, 2, 141, HOME, 'fork'],
    ['the sibling that took its place', displaced, 3, 141, HOME, 'current'],
    ['a generation that was never minted', acknowledged, 3, 120, HOME, 'ahead'],
  ] as const)('%s', (_title, family, generation, at, context, row) => {
    expect(show(family, generation, at, context)).toBe(row)
  })

  test('what was replaced more than 60 s before the last rotation is a fork', () => {
    const late = withFirstUse(
      withSuccessor(acknowledged, secret(3, 400 * SECOND)),
      HOME,
      401 * SECOND,
    )

    expect(late.predecessors).toHaveLength(1)
    expect(show(late, 1, 402)).toBe('fork')
    expect(show(late, 1, 402, ELSEWHERE)).toBe('fork')
  })

  test('eight predecessors may be in flight and no more, however fast they were replaced', () => {
    let family = acknowledged
    for (let generation = 3; generation <= 12; generation++) {
      family = withFirstUse(
        withSuccessor(family, secret(generation, 111 * SECOND)),
        HOME,
        111 * SECOND,
      )
    }

    expect(family.predecessors.map(({ generation }) => generation)).toEqual([
      11, 10, 9, 8, 7, 6, 5, 4,
    ])
    expect(show(family, 4, 112)).toBe('in_flight')
    expect(show(family, 3, 112)).toBe('fork')
  })

  test('an authentic predecessor that the record lacks means a rolled-back store', () => {
    const showing = { generation: 1, digest: 'another', context: HOME, at: 115 * SECOND }

    expect(rotationStatus(fourth, showing).status).toBe('ahead')
  })

  test('an authentic secret that the record lacks means a rolled-back store', () => {
    const showing = { generation: 2, digest: 'another', context: HOME, at: 105 * SECOND }

    expect(rotationStatus(outstanding, showing).status).toBe('ahead')
  })

  test('two gateways whose clocks differ by two seconds agree on a predecessor in flight', () => {
    expect(show(acknowledged, 1, 108)).toBe('in_flight')
    expect(show(acknowledged, 1, 112)).toBe('in_flight')
  })

  test('the token of an acknowledged secret is not kept', () => {
    expect(acknowledged.issued.token).toBeUndefined()
    expect(acknowledged.acked).not.toHaveProperty('token')
  })
})
