import { describe, expect, test } from 'vitest'
import {
  firstSecret,
  holdsToken,
  REPEAT_MS,
  rotationStatus,
  withFirstUse,
  withoutExpiredTokens,
  withSibling,
  withSuccessor,
  withUser,
} from '../../src/core/rotation.ts'
import type { CompletedStepUp, Secret, SessionState, TokenFamily } from '../../src/core/session.ts'
import { laptop, oslo, sessionOf, used } from '../signals/scene.ts'

const SECOND = 1_000

function secret(generation: number, mintedAt: number): Secret {
  return { generation, digest: `digest-${generation}`, mintedAt, token: `token-${generation}` }
}

const fresh: TokenFamily = { id: 1, ...firstSecret(secret(1, 0)), contexts: ['home'] }
const sent = withSuccessor(fresh, secret(2, 100 * SECOND))
const shown = withFirstUse(sent, 'train', 110 * SECOND)

describe('what a family of secrets knows', () => {
  test('of its first secret: nothing is outstanding, nothing was before it', () => {
    expect(fresh).toMatchObject({ predecessors: [], displaced: null })
    expect(fresh.issued).toBe(fresh.acked)
    const presented = { generation: 1, digest: 'digest-1', context: 'home', at: 0 }
    expect(rotationStatus(fresh, presented)).toEqual({ status: 'current', first: false })
  })

  test('of a successor that was sent: nothing else has changed', () => {
    expect(sent).toEqual({ ...fresh, issued: secret(2, 100 * SECOND) })
    const presented = { generation: 2, digest: 'digest-2', context: 'home', at: 101 * SECOND }
    expect(rotationStatus(sent, presented)).toEqual({ status: 'current', first: true })
  })

  test('of one that was shown: who used the one before it, and no token any more', () => {
    const issued = { generation: 2, digest: 'digest-2', mintedAt: 100 * SECOND }

    expect(shown).toStrictEqual({
      ...fresh,
      issued,
      acked: issued,
      predecessors: [
        { generation: 1, digest: 'digest-1', succeededAt: 110 * SECOND, contexts: ['home'] },
      ],
      contexts: ['train'],
    })
    const presented = { generation: 2, digest: 'digest-2', context: 'x', at: 111 * SECOND }
    expect(rotationStatus(shown, presented)).toEqual({ status: 'current', first: false })
  })

  test('of a sibling: which generation it took the place of, and when', () => {
    expect(withSibling(sent, secret(3, 130 * SECOND), 130 * SECOND)).toEqual({
      ...sent,
      issued: secret(3, 130 * SECOND),
      displaced: { generation: 2, at: 130 * SECOND },
    })
  })

  test('of predecessors: those that may still arrive, to the millisecond', () => {
    const third = (at: number) =>
      withFirstUse(withSuccessor(shown, secret(3, at)), 'home', at).predecessors.map(
        ({ generation }) => generation,
      )

    expect(third(170 * SECOND)).toEqual([2, 1])
    expect(third(170 * SECOND + 1)).toEqual([2])
    const at = 120 * SECOND
    const family = withFirstUse(withSuccessor(shown, secret(3, at)), 'home', at)
    const oldest = { generation: 1, digest: 'digest-1', context: 'home', at }
    expect(rotationStatus(family, oldest).status).toBe('in_flight')
    expect(family.contexts).toEqual(['home'])
  })

  test('of its users: each once, the newest sixteen', () => {
    expect(withUser(fresh, 'home')).toBe(fresh)
    expect(withUser(fresh, 'train').contexts).toEqual(['home', 'train'])
    let family = fresh
    for (let i = 0; i < 16; i++) family = withUser(family, `context ${i}`)
    expect(family.contexts).toHaveLength(16)
    expect(family.contexts).not.toContain('home')
    expect(family.contexts.at(-1)).toBe('context 15')
    expect(withUser(family, 'context 0')).toBe(family)
  })
})

describe('to the millisecond', () => {
  const status = (family: TokenFamily, generation: number, at: number, digest?: string) =>
    rotationStatus(family, {
      generation,
      digest: digest ?? `digest-${generation}`,
      context: 'home',
      at,
    }).status

  test('a lost answer is repeated for ten seconds', () => {
    expect(status(sent, 1, 110 * SECOND)).toBe('resend')
    expect(status(sent, 1, 110 * SECOND + 1)).toBe('lost')
  })

  test('a displaced sibling is in flight for ten seconds, and no other generation is', () => {
    const displaced = withSibling(sent, secret(3, 130 * SECOND), 130 * SECOND)

    expect(status(displaced, 2, 140 * SECOND)).toBe('in_flight')
    expect(status(displaced, 2, 140 * SECOND + 1)).toBe('fork')
    expect(status(displaced, 0, 131 * SECOND)).toBe('fork')
    expect(status(displaced, 1, 131 * SECOND)).toBe('resend')
  })

  test('a predecessor is in flight for a minute, where it was used before', () => {
    expect(status(shown, 1, 170 * SECOND)).toBe('in_flight')
    expect(status(shown, 1, 170 * SECOND + 1)).toBe('fork')
    const elsewhere = { generation: 1, digest: 'digest-1', context: 'x', at: 111 * SECOND }
    expect(rotationStatus(shown, elsewhere).status).toBe('fork')
  })

  test('what the record does not know is ahead of it, in every generation', () => {
    expect(status(sent, 3, 101 * SECOND)).toBe('ahead')
    expect(status(sent, 2, 101 * SECOND, 'other')).toBe('ahead')
    expect(status(sent, 1, 101 * SECOND, 'other')).toBe('ahead')
    expect(status(shown, 1, 111 * SECOND, 'other')).toBe('ahead')
  })
})

describe('tokens that are kept to be sent again', () => {
  const base = sessionOf(used(oslo, laptop))
  const sentAt = 1_000 * SECOND
  const bare: Secret = { generation: 2, digest: 'd', mintedAt: sentAt }
  const full: Secret = { ...bare, token: 'token' }
  const stepUp: CompletedStepUp = {
    nonce: 'n',
    at: sentAt,
    digest: 'd',
    context: 'home',
    token: 'token',
  }

  function holding({
    family = bare,
    refresh = null,
    done = null,
  }: {
    readonly family?: Secret
    readonly refresh?: Secret | null
    readonly done?: CompletedStepUp | null
  }): SessionState {
    return {
      ...base,
      family: { ...base.family, issued: family },
      refresh: refresh === null ? null : { ...fresh, issued: refresh },
      stepUp: done,
    }
  }

  test.each([
    ['none', holding({}), false],
    ['none, where the session can be refreshed', holding({ refresh: bare }), false],
    ['the successor', holding({ family: full }), true],
    ['the successor of a refresh token', holding({ refresh: full }), true],
    ['the answer to a step-up', holding({ done: stepUp }), true],
  ])('are told of: %s', (_, state, holds) => {
    expect(holdsToken(state)).toBe(holds)
  })

  test('stay where there are none, as the same object', () => {
    for (const state of [holding({}), holding({ refresh: bare })]) {
      expect(withoutExpiredTokens(state, 2 * sentAt)).toBe(state)
    }
  })

  test.each([
    ['a successor', holding({ family: full }), 20 * SECOND],
    ['a successor of a refresh token', holding({ refresh: full }), 20 * SECOND],
    ['the answer to a step-up', holding({ done: stepUp }), REPEAT_MS + 10 * SECOND],
  ])('go ten seconds after they may last be asked for: %s', (_, state, last) => {
    expect(withoutExpiredTokens(state, sentAt + last)).toBe(state)
    const after = withoutExpiredTokens(state, sentAt + last + 1)
    expect(holdsToken(after)).toBe(false)
    const refresh = state.refresh === null ? null : bare
    expect(after).toStrictEqual(holding({ family: bare, refresh }))
  })

  test('go each at its time', () => {
    const state = holding({ family: full, done: stepUp })

    const after = withoutExpiredTokens(state, sentAt + 30 * SECOND)

    expect(after).toStrictEqual(holding({ family: bare, done: stepUp }))
  })
})

test('the answer to a step-up may be repeated for a minute', () => {
  expect(REPEAT_MS).toBe(60 * SECOND)
})
