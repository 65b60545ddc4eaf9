import { describe, expect, test } from 'vitest'
import { subjectOf } from '../../src/core/ids.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import { codeOf, type Harness, HOUR, harness, inMemory } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'

/** Where the thief stood between owner and login: the owner's browser, another line. */
const between = (): RequestFacts => atHome({ ip: '203.0.113.66' })
const sensitive = { sensitivity: 'sensitive' } as const

/**
 * The thief logs in with what the owner was made to type in, second factor and all; the owner says
 * so.
 */
async function reported(h: Harness): Promise<void> {
  await h.login()
  h.host.advance(HOUR)
  const phished = await h.login({ request: between() })
  await h.sessions.report({ kind: 'not_me', session: idOf(phished) })
  h.host.advance(HOUR)
}

function idOf(token: string): string {
  return token.split('.')[1] ?? ''
}

describe('a phished login that the owner disowns', () => {
  test('is over, and its place is trusted no more', async () => {
    const h = await harness(inMemory)
    await reported(h)

    const owner = await h.login()

    expect(codeOf(await h.show(owner, between(), sensitive))).toBe('step_up_required')
    expect(codeOf(await h.show(owner, atHome(), sensitive))).toBe('ok')
  })

  test.each<[string, (h: Harness, token: string) => Promise<unknown>]>([
    ['the thief has logged out', (h, token) => h.sessions.logout(token)],
    [
      'everything was logged out',
      (h) => h.sessions.revokeSubject({ subject: 'ada' }, { reason: 'logout_everywhere' }),
    ],
  ])('trusts its place no more, also where %s before', async (_, end) => {
    const h = await harness(inMemory)
    await h.login()
    h.host.advance(HOUR)
    const phished = await h.login({ request: between() })
    await end(h, phished)

    await h.sessions.report({ kind: 'not_me', session: idOf(phished) })

    const owner = await h.login()
    expect(codeOf(await h.show(owner, between(), sensitive))).toBe('step_up_required')
    expect(codeOf(await h.show(owner, atHome(), sensitive))).toBe('ok')
  })

  test('takes no more trust away when it is disowned once more', async () => {
    const h = await harness(inMemory)
    await h.login()
    h.host.advance(HOUR)
    const phished = await h.login({ request: between() })
    for (let times = 0; times < 2; times++)
      await h.sessions.report({ kind: 'not_me', session: idOf(phished) })
    h.host.advance(HOUR)

    const token = await h.login({ amr: ['pwd'] })

    expect(codeOf(await h.show(token, atHome(), sensitive))).toBe('ok')
  })

  test('that nobody has is no past of anybody', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    const subject = subjectOf(idOf(token))
    const nobody = `${'A'.repeat(idOf(token).length - 1)}A`

    await h.sessions.report({ kind: 'not_me', session: nobody })

    expect(await h.store.subjects.read(subject)).toBeDefined()
    expect((await h.store.subjects.read(subjectOf(nobody))).version).toBe(0)
  })

  test('does not make the next login the first, which is trusted without a factor', async () => {
    const h = await harness(inMemory)
    const only = await h.login({ request: abroad() })
    await h.sessions.report({ kind: 'not_me', session: idOf(only) })

    const token = await h.login({ request: abroad(), amr: ['pwd'] })

    expect(codeOf(await h.show(token, abroad(), sensitive))).toBe('step_up_required')
  })

  test('ends also where its record does not open any more', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    const found = await h.store.entries.read(idOf(token))
    if (found === undefined) throw new Error('there is no such session')
    const { lastActivity: _at, attributes: _own, ...entry } = found
    const sealed = Uint8Array.from(found.sealed, (byte, at) => (at === 40 ? byte ^ 1 : byte))
    await h.store.entries.write({ ...entry, version: 2, sealed })

    await h.sessions.report({ kind: 'not_me', session: idOf(token) })

    expect(codeOf(await h.show(token))).toBe('session_unknown')
  })
})
