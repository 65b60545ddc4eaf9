import { expect, test } from 'vitest'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, harness, heldRefresh, MINUTE, SECOND } from '../support/harness.ts'
import { heldWrites } from '../support/held-writes.ts'
import { abroad, atHome, clone, lookup } from '../support/people.ts'

/** Each hole was found in a peer that had cured its refresh races. */
describeOnEveryStore('peers, complaint 2: the cure opens holes', (open) => {
  test('time of check, time of use: processes that race give nobody the same secret', async () => {
    const gate = heldWrites(open)
    const h = await harness(gate.open)
    const login = await h.loginForRefresh()
    const other = createSessions({ store: h.store, host: h.host, keyring: h.keyring, lookup })
    h.host.advance(MINUTE)
    const refreshToken = heldRefresh('', await h.renew(login.refreshToken))
    h.host.advance(2 * MINUTE)

    gate.hold()
    const one = h.renew(refreshToken)
    await gate.arrived()
    const two = other.refresh({ token: refreshToken, request: atHome() })
    gate.release()

    const [first, second] = await Promise.all([one, two])
    expect([first.ok && first.status, second.ok && second.status]).toEqual(['rotated', 'rotated'])
    expect(heldRefresh('', first)).not.toBe(heldRefresh('', second))
  })

  test('a restart does not reset the check', async () => {
    const h = await harness(open)
    const { refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    const second = heldRefresh(refreshToken, await h.renew(refreshToken))
    await h.renew(second)

    h.host.advance(21 * SECOND)
    const { store, host, keyring } = h
    const restarted = createSessions({ store, host, keyring, lookup })
    const stolen = await restarted.refresh({ token: refreshToken, request: abroad() })

    expect(codeOf(stolen)).toBe('session_revoked')
  })

  test('two refreshes within one millisecond are told apart by their generations', async () => {
    const h = await harness(open)
    const { refreshToken } = await h.loginForRefresh()

    const second = heldRefresh(refreshToken, await h.renew(refreshToken))
    const sibling = heldRefresh(refreshToken, await h.renew(refreshToken))
    expect(await h.renew(second)).toMatchObject({ ok: true, status: 'kept' })

    expect(new Set([refreshToken, second, sibling]).size).toBe(3)
    expect(await h.renew(refreshToken)).toMatchObject({ ok: true, status: 'in_flight' })
    h.host.advance(21 * SECOND)
    expect(codeOf(await h.renew(refreshToken, abroad()))).toBe('session_revoked')
  })

  test('a refresh that races a revocation never revives the session', async () => {
    const gate = heldWrites(open)
    const h = await harness(gate.open)
    const { token, refreshToken } = await h.loginForRefresh()
    const id = token.split('.')[1] ?? ''
    h.host.advance(MINUTE)
    const successor = heldRefresh('', await h.renew(refreshToken))

    gate.hold()
    const refreshing = h.renew(successor)
    await gate.arrived()
    await h.sessions.revoke(id, { reason: 'admin' })
    gate.release()

    expect(codeOf(await refreshing)).toBe('session_revoked')
    expect(codeOf(await h.renew(refreshToken))).toBe('session_unknown')
    expect(codeOf(await h.show(token))).toBe('session_unknown')
    expect(await h.store.entries.read(id)).toBeUndefined()
  })

  test('the grace for a lost response does not fork an undetected second chain', async () => {
    const h = await harness(open)
    const { refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    const tokens = {
      owner: heldRefresh('', await h.renew(refreshToken)),
      thief: heldRefresh('', await h.renew(refreshToken, clone())),
    }
    expect(tokens.thief).not.toBe(tokens.owner)

    const used = new Set<string>()
    for (let round = 0; round < 6; round++) {
      for (const who of ['owner', 'thief'] as const) {
        h.host.advance(15 * SECOND)
        const answer = await h.renew(tokens[who])
        if (answer.ok) tokens[who] = heldRefresh(tokens[who], answer)
        else used.add(answer.code)
      }
    }

    expect(used).toEqual(new Set(['step_up_required']))
    expect(h.events.filter(({ type }) => type === 'token-reused')).toHaveLength(1)
  })

  test('there is grace for the direct predecessor alone, not for any generation', async () => {
    const h = await harness(open)
    const { refreshToken } = await h.loginForRefresh()
    const second = heldRefresh(refreshToken, await h.renew(refreshToken))
    await h.renew(second)
    h.host.advance(41 * SECOND)
    const third = heldRefresh(second, await h.renew(second))
    await h.renew(third)

    h.host.advance(SECOND)
    expect(await h.renew(second)).toMatchObject({ ok: true, status: 'in_flight' })
    expect(codeOf(await h.renew(refreshToken))).toBe('step_up_required')
    expect(codeOf(await h.renew(third))).toBe('step_up_required')
  })

  test('nothing is minted in a family that was revoked', async () => {
    const h = await harness(open)
    const { refreshToken } = await h.loginForRefresh()
    h.host.advance(MINUTE)
    const current = heldRefresh(refreshToken, await h.renew(refreshToken))
    await h.renew(current)
    h.host.advance(21 * SECOND)
    await h.renew(refreshToken, abroad())

    for (const token of [refreshToken, current]) {
      const answer = await h.renew(token)
      expect(answer).toEqual({ ok: false, code: 'session_unknown' })
    }
  })
})
