import { expect, test } from 'vitest'
import { strict } from '../../src/policies/index.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import {
  codeOf,
  type Harness,
  harness,
  held,
  inMemory,
  MINUTE,
  SECOND,
} from '../support/harness.ts'
import { atHome, clone } from '../support/people.ts'

/** Two holders of one secret. Nothing but the secret itself can tell them apart. */
async function twoHolders(open: Harness): Promise<{ owner: string; thief: string }> {
  const token = await open.login()
  open.host.advance(6 * MINUTE)
  return { owner: token, thief: token }
}

describeOnEveryStore('two holders of one secret', (open) => {
  test.each([
    ['the owner first, the thief follows', ['owner', 'thief']],
    ['the thief first, the owner follows', ['thief', 'owner']],
    ['the owner twice, then the thief', ['owner', 'owner', 'thief']],
    ['the thief twice, then the owner', ['thief', 'thief', 'owner']],
    ['in turns', ['owner', 'thief', 'owner', 'thief']],
    ['in turns, the thief first', ['thief', 'owner', 'thief', 'owner']],
  ] as const)('never ride one chain: %s', async (_title, order) => {
    const h = await harness(open)
    const tokens = await twoHolders(h)
    let forked = false

    for (const who of [...order, ...order, ...order]) {
      h.host.advance(61 * SECOND)
      const answer = await h.show(tokens[who], who === 'owner' ? atHome() : clone())
      if (codeOf(answer) === 'step_up_required') forked = true
      else tokens[who] = held(tokens[who], answer)
    }

    expect(forked).toBe(true)
    expect(h.events.filter(({ type }) => type === 'token-reused')).toHaveLength(1)
  })

  test('who passes the step-up goes on in a new family, the other is out', async () => {
    const h = await harness(open)
    const tokens = await twoHolders(h)
    tokens.thief = held(tokens.thief, await h.show(tokens.thief, clone()))
    h.host.advance(MINUTE)
    await h.show(tokens.thief, clone())
    h.host.advance(2 * MINUTE)

    expect(codeOf(await h.show(tokens.owner))).toBe('step_up_required')
    expect(codeOf(await h.show(tokens.thief, clone()))).toBe('step_up_required')
    const passed = await h.stepUp(tokens.owner, atHome())
    const owner = held(tokens.owner, passed)

    expect(codeOf(await h.show(owner))).toBe('ok')
    expect(codeOf(await h.show(tokens.thief, clone()))).toBe('token_superseded')
    expect(codeOf(await h.show(tokens.owner))).toBe('token_superseded')
  })

  test('tokens of a dead family raise one event and no evidence', async () => {
    const h = await harness(open)
    const token = await h.login()
    const current = held(token, await h.stepUp(token, atHome()))

    for (let i = 0; i < 20; i++) await h.show(token, clone())

    expect(h.events.filter(({ reason }) => reason === 'token_superseded')).toHaveLength(1)
    expect(await h.show(current)).toMatchObject({ ok: true, decision: { score: 0 } })
  })
})

test('two holders who come every second are told apart within minutes', async () => {
  const h = await harness(inMemory)
  const tokens = await twoHolders(h)
  let seconds = 0

  for (; seconds < 20 * 60; seconds++) {
    h.host.advance(SECOND)
    const [owner, thief] = [await h.show(tokens.owner), await h.show(tokens.thief, clone())]
    if (!owner.ok || !thief.ok) break
    tokens.owner = held(tokens.owner, owner)
    tokens.thief = held(tokens.thief, thief)
  }

  expect(seconds).toBeLessThanOrEqual(5 * 60 + 82 + 3)
  expect(h.events.filter(({ reason }) => reason === 'secret_forked')).not.toEqual([])
})

test('without a second factor, and under the strict policy, a fork ends the session', async () => {
  for (const options of [{}, { policy: strict() }]) {
    const h = await harness(inMemory, options)
    const token = await h.login(options.policy === undefined ? { factors: [] } : {})
    h.host.advance(6 * MINUTE)
    const successor = held(token, await h.show(token))
    await h.show(successor)
    h.host.advance(2 * MINUTE)

    expect(codeOf(await h.show(token, clone()))).toBe('session_revoked')
    expect(codeOf(await h.show(successor))).toBe('session_unknown')
  }
})

test('a failed step-up after a fork proves the thief and ends the session', async () => {
  const h = await harness(inMemory)
  const token = await h.login()
  h.host.advance(6 * MINUTE)
  await h.show(held(token, await h.show(token)))
  h.host.advance(2 * MINUTE)
  await h.show(token, clone())
  const begun = await h.sessions.beginStepUp({ token, request: clone() })
  if (!begun.ok) throw new Error(begun.code)

  await h.sessions.report({
    kind: 'step_up_failed',
    challenge: begun.challenge,
    token,
    request: clone(),
  })

  expect(h.events.at(-1)).toMatchObject({
    type: 'session-revoked',
    reason: 'step_up_failed_after_fork',
  })
  expect(codeOf(await h.show(token))).toBe('session_unknown')
})
