import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SessionError } from '../../src/core/errors.ts'
import type { SessionId } from '../../src/core/ids.ts'
import type { Sessions, VerifiesNow } from '../../src/core/sessions.ts'
import type { Entries } from '../../src/core/store.ts'
import { batchedTouches } from '../../src/engine/state/touches.ts'
import { lmdbStore } from '../../src/stores/lmdb.ts'
import { twoEngines } from '../support/copies.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import {
  codeOf,
  type Harness,
  HOUR,
  harness,
  inMemory,
  MINUTE,
  SECOND,
} from '../support/harness.ts'
import { atHome } from '../support/people.ts'
import { until } from '../support/until.ts'

type Seen = Parameters<Entries['touch']>[0]

interface Scene extends Harness {
  /** What was handed to the store, one batch each. */
  readonly batches: Seen[]
  readonly warnings: string[]
  /** What happens to the next touches. `held`: no answer comes. */
  set(state: 'well' | 'out' | 'held'): void
}

async function scene(open = inMemory): Promise<Scene> {
  const batches: Seen[] = []
  const warnings: string[] = []
  let state: 'well' | 'out' | 'held' = 'well'
  const through: typeof inMemory = async (now) => {
    const store = await open(now)
    return {
      ...store,
      entries: {
        ...store.entries,
        async touch(seen) {
          batches.push(seen)
          if (state === 'held') await new Promise(() => {})
          if (state === 'out') throw new SessionError('store_unavailable', 'Nobody answers.')
          await store.entries.touch(seen)
        },
      },
    }
  }
  const h = await harness(through, { onWarning: (message) => warnings.push(message) })
  return {
    ...h,
    batches,
    warnings,
    set(next) {
      state = next
    },
  }
}

const quiet = { deliverable: false }

function idOf(token: string): SessionId {
  return token.split('.')[1] ?? ''
}

async function lastActivity({ store }: Harness, token: string): Promise<number | undefined> {
  return (await store.entries.read(idOf(token)))?.lastActivity
}

describe('a touch', () => {
  test('does not hold up its answer', async () => {
    const h = await scene()
    const token = await h.login()
    h.host.advance(3 * MINUTE)

    h.set('held')

    expect(codeOf(await h.show(token, undefined, quiet))).toBe('ok')
    expect(h.batches).toEqual([[{ id: idOf(token), at: h.host.now() }]])
  })

  test('is one for the requests of a moment, and is told once', async () => {
    const h = await scene()
    const [ada, grace] = [await h.login(), await h.login({ subject: 'grace' })]
    h.host.advance(3 * MINUTE)
    h.set('held')

    const tokens = [ada, grace, ada, ada]
    await Promise.all(tokens.map((token) => h.show(token, undefined, quiet)))
    h.host.advance(SECOND)
    await h.show(ada, undefined, quiet)

    expect(h.batches).toHaveLength(1)
    expect(h.batches[0]).toHaveLength(2)
    expect(h.events.filter(({ type }) => type === 'session-presented')).toHaveLength(2)
  })

  test('goes with an answer at once, but not while answers have to wait for theirs', async () => {
    const { login, sessions, host, batches, set } = await scene()
    const presented = { token: await login(), request: atHome() }
    const { now }: Sessions['verify'] & VerifiesNow = sessions.verify
    host.advance(2 * MINUTE + SECOND)

    expect(now?.(presented)).toMatchObject({ ok: true })
    await until('it is written', async () => batches.length === 1)
    set('out')
    host.advance(2 * MINUTE + SECOND)
    expect(now?.(presented)).toMatchObject({ ok: true })
    await until('it failed', async () => batches.length === 2)
    host.advance(SECOND)

    expect(now?.(presented)).toBeUndefined()
    await expect(sessions.verify(presented)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('that the store forgot comes again', async () => {
    const h = await scene()
    const token = await h.login()
    h.host.advance(3 * MINUTE)
    h.set('held')
    await h.show(token, undefined, quiet)

    h.set('well')
    h.host.advance(10 * SECOND)
    await h.show(token, undefined, quiet)

    expect(await lastActivity(h, token)).toBe(h.host.now())
  })

  test('keeps a session alive that is used once an idle timeout', async () => {
    const h = await scene()
    const token = await h.login()

    for (let n = 0; n < 10; n++) {
      h.host.advance(2 * HOUR - SECOND)
      expect(codeOf(await h.show(token, undefined, quiet))).toBe('ok')
    }
  })

  test('is written though the store is closed right after the answer', async () => {
    const path = await mkdtemp(join(tmpdir(), 'holdfast-'))
    onTestFinished(() => rm(path, { recursive: true, force: true }))
    const h = await scene(async (now) => lmdbStore({ path, now }))
    const token = await h.login()
    h.host.advance(3 * MINUTE)

    await h.show(token, undefined, quiet)
    await h.store.close()

    const store = lmdbStore({ path, now: h.host.now })
    onTestFinished(() => store.close())
    expect(await lastActivity({ ...h, store }, token)).toBe(h.host.now())
    expect(h.warnings).toEqual([])
  })
})

describeOnEveryStore('a touch and a local copy', (open) => {
  test('a copy that was read before the touch answers on, and touches no more', async () => {
    const touched: SessionId[] = []
    const h = await twoEngines(open, {
      through: (store) => ({
        ...store,
        entries: {
          ...store.entries,
          touch(seen) {
            touched.push(...seen.map(({ id }) => id))
            return store.entries.touch(seen)
          },
        },
      }),
    })
    const token = await h.login()
    await h.copied(token)
    h.host.advance(3 * MINUTE)

    await h.copied(token)
    await h.copied(token)

    expect(touched).toEqual([idOf(token)])
  })
})

describe('a touch that fails', () => {
  test('is told once, and kept until it is written', async () => {
    const h = await scene()
    const token = await h.login()
    h.host.advance(3 * MINUTE)
    const at = h.host.now()

    h.set('out')
    expect(codeOf(await h.show(token, undefined, quiet))).toBe('ok')
    await until('it is told', async () => h.warnings.length > 0)
    h.set('well')
    await until('it is tried again', async () => (await lastActivity(h, token)) === at)

    expect(h.warnings).toEqual([expect.stringContaining('Nobody answers.')])
  })

  test('makes answers wait for theirs, so that no session in use ends by silence', async () => {
    const h = await scene()
    const [ada, grace] = [await h.login(), await h.login({ subject: 'grace' })]
    const show = (token: string) => h.show(token, undefined, quiet)
    h.host.advance(3 * MINUTE)
    h.set('out')
    await show(ada)
    await until('it is told', async () => h.warnings.length > 0)

    for (const token of [grace, ada, grace, ada]) {
      await expect(show(token)).rejects.toMatchObject({ code: 'store_unavailable' })
    }
    h.set('well')
    for (const token of [grace, ada]) expect(codeOf(await show(token))).toBe('ok')

    expect(await lastActivity(h, ada)).toBe(h.host.now())
    expect(await lastActivity(h, grace)).toBe(h.host.now())
    expect(h.warnings).toHaveLength(1)
    h.set('held')
    h.host.advance(3 * MINUTE)
    expect(codeOf(await show(ada))).toBe('ok')
  })

  test('takes bounded memory, and the operator hears what is dropped', async () => {
    const warnings: string[] = []
    const written: Seen[] = []
    let out = true
    const touches = batchedTouches({
      entries: {
        async touch(seen) {
          if (out) throw new Error('away')
          written.push(seen)
        },
      },
      onWarning: (message) => warnings.push(message),
    })
    for (let n = 0; n < 10_500; n++) touches.touch(`s${n}`, n)
    await until('both are told', async () => warnings.length === 2)

    out = false
    await until('all are written', async () => written.flat().length === 10_000)

    expect(warnings[0]).toContain('of 10500 sessions')
    expect(warnings[1]).toContain('dropped')
    expect(Math.max(...written.map((batch) => batch.length))).toBe(1_000)
    expect(written.flat().map(({ id }) => id)).not.toContain('s499')
  })
})
