import { describe, expect, test } from 'vitest'
import type { SessionId } from '../../src/core/ids.ts'
import type { Presented, Sessions, Verification, VerifiesNow } from '../../src/core/sessions.ts'
import type { Entries, Found, Store } from '../../src/core/store.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import type { SessionsOptions } from '../../src/engine/options.ts'
import { balanced } from '../../src/policies/index.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { type Harness, HOUR, harness, MINUTE, type OpenStore, SECOND } from '../support/harness.ts'
import { abroad, atHome, docked, lookup } from '../support/people.ts'
import { until } from '../support/until.ts'

/**
 * Each of the ten steps of a verification is broken on each path that an answer can take, and what
 * the step is there for has to show. The paths are the promise, and the answer at once with which
 * adapters and the service begin; on each store, with and without local copies.
 */
interface Scene extends Harness {
  readonly token: string
  readonly id: SessionId
  /** The engine under test, which reads through `broken`. */
  readonly engine: Sessions
  /** What the engine reads instead of what the store found. */
  broken: ((found: Found | undefined) => Found | undefined) | undefined
  reads: number
}

type Path = (engine: Sessions, presented: Presented) => Promise<Verification>

const PATHS: readonly (readonly [string, Path])[] = [
  ['as a promise', (engine, presented) => engine.verify(presented)],
  [
    'at once where it can be',
    async (engine, presented) => {
      const { now }: Sessions['verify'] & VerifiesNow = engine.verify
      return now?.(presented) ?? engine.verify(presented)
    },
  ],
]

async function scene(
  open: OpenStore,
  { localCopies, ...options }: Partial<SessionsOptions>,
): Promise<Scene> {
  const h = await harness(open)
  const token = await h.login()
  const id = token.split('.')[1] ?? ''
  const { read } = h.store.entries
  const through = (found: Found | undefined): Found | undefined => {
    made.reads++
    return made.broken === undefined ? found : made.broken(found)
  }
  const reading: Entries['read'] = async (asked) => through(await read(asked))
  const { now } = read
  const reads =
    now === undefined
      ? reading
      : Object.assign(reading, {
          now(asked: SessionId) {
            const found = now(asked)
            return found === 'wait' ? found : through(found)
          },
        })
  const store: Store = { ...h.store, entries: { ...h.store.entries, read: reads } }
  const { host, keyring } = h
  const all = { store, host, keyring, lookup, localCopies: localCopies ?? false, ...options }
  const engine = createSessions(all)
  const made: Scene = { ...h, token, id, engine, broken: undefined, reads: 0 }
  const unchanged = { token, request: atHome() }
  expect(await engine.verify(unchanged)).toMatchObject({ ok: true })
  if (localCopies === true) {
    await until('a copy answers', async () => {
      await engine.verify(unchanged)
      const before = made.reads
      const { now: atOnce }: Sessions['verify'] & VerifiesNow = engine.verify
      return atOnce?.(unchanged) !== undefined && made.reads === before
    })
  }
  return made
}

describeOnEveryStore('the ten steps of a verification', (open) => {
  describe.each([false, true])('local copies: %s', (localCopies) => {
    describe.each(PATHS)('%s', (_, judge) => {
      const start = (options: Partial<SessionsOptions> = {}): Promise<Scene> =>
        scene(open, { localCopies, ...options })

      test('nothing is broken: it passes, and says whose it is', async () => {
        const { engine, token, id } = await start()

        expect(await judge(engine, { token, request: atHome() })).toMatchObject({
          ok: true,
          session: { id, subject: 'ada' },
          decision: { outcome: 'allow' },
        })
      })

      test('1, read: what is no address and what is no method are refused', async () => {
        const { engine, token } = await start()
        for (const request of [atHome({ ip: 'somewhere' }), atHome({ method: 'GE T' })]) {
          await expect(async () => judge(engine, { token, request })).rejects.toMatchObject({
            code: 'invalid_input',
          })
        }
      })

      test('2, check the tag: a changed letter is refused, and the store not asked', async () => {
        const made = await start()
        const { token } = made
        const before = made.reads
        for (const at of [token.length - 1, token.length - 60, 60]) {
          const letter = token[at] === 'A' ? 'B' : 'A'
          const forged = token.slice(0, at) + letter + token.slice(at + 1)
          const answer = await judge(made.engine, { token: forged, request: atHome() })
          expect(answer).toMatchObject({ ok: false, code: 'token_malformed' })
        }
        expect(made.reads).toBe(before)
      })

      test('3, load: a session that was ended here is gone', async () => {
        const { engine, token, id } = await start()
        await engine.revoke(id, { reason: 'test' })

        expect(await judge(engine, { token, request: atHome() })).toMatchObject({
          ok: false,
          code: 'session_unknown',
        })
      })

      test('4, open: a changed bit, deadline or version is refused', async () => {
        const made = await start()
        made.host.advance(6 * SECOND)
        const changes: readonly ((found: Found) => Found)[] = [
          (found) => ({
            ...found,
            sealed: found.sealed.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
          }),
          (found) => ({ ...found, deadline: found.deadline + 1 }),
          (found) => ({ ...found, version: found.version + 1 }),
        ]
        for (const change of changes) {
          made.broken = (found) => found && change(found)
          const presented = { token: made.token, request: atHome() }
          await expect(async () => judge(made.engine, presented)).rejects.toMatchObject({
            code: 'record_invalid',
          })
        }
      })

      test('5, match: a secret that a step-up has replaced is refused', async () => {
        const { engine, token, stepUp } = await start()
        expect(await stepUp(token, atHome())).toMatchObject({ ok: true })
        await engine.verify({ token, request: atHome() })

        await until('the change is known', async () => {
          const answer = await judge(engine, { token, request: atHome() })
          return !answer.ok && answer.code === 'token_superseded'
        })
      })

      test('6, lifetimes: silence, the deadline and "log out everywhere" end it', async () => {
        const idle = await start()
        idle.host.advance(2 * HOUR)
        expect(await judge(idle.engine, { token: idle.token, request: atHome() })).toMatchObject({
          code: 'session_expired',
        })

        const over = await start()
        over.host.advance(24 * HOUR)
        over.broken = (found) => found && { ...found, lastActivity: over.host.now() }
        expect(await judge(over.engine, { token: over.token, request: atHome() })).toMatchObject({
          code: 'session_expired',
        })

        const everywhere = await start()
        await everywhere.engine.revokeSubject({ subject: 'ada' }, { reason: 'test' })
        const presented = { token: everywhere.token, request: atHome() }
        expect(await judge(everywhere.engine, presented)).toMatchObject({ code: 'session_unknown' })
      })

      test('7, fast path: what a route asks and what is new are never waved through', async () => {
        const { engine, token, host } = await start()
        host.advance(SECOND)
        const asks: readonly Partial<Presented>[] = [
          { acr: 'urn:strong' },
          { maxAgeMs: 1 },
          { request: abroad() },
        ]
        for (const ask of asks) {
          expect(await judge(engine, { token, request: atHome(), ...ask })).toMatchObject({
            ok: false,
            code: 'step_up_required',
          })
        }
      })

      test('8, weigh: something new is weighed by every signal', async () => {
        const { engine, token } = await start()
        const answer = await judge(engine, { token, request: docked() })

        expect(answer.decision?.because.map(({ group }) => group)).toEqual(
          expect.arrayContaining(['N', 'D']),
        )
      })

      test('9, decide: the policy has the last word, where nothing is new, too', async () => {
        const strict = balanced()
        const policy: typeof strict = (evidence, situation) => ({
          ...strict(evidence, situation),
          outcome: 'deny',
        })
        const h = await start()
        const { store, host, keyring } = h
        const denying = createSessions({ store, host, keyring, lookup, policy, localCopies })

        expect(await judge(denying, { token: h.token, request: atHome() })).toMatchObject({
          ok: false,
          code: 'context_refused',
        })
      })

      test('10, apply: a due secret rotates into the answer, and activity is noted', async () => {
        const made = await start()
        made.host.advance(10 * MINUTE)
        const presented = { token: made.token, request: atHome(), deliverable: true }
        const answer = await judge(made.engine, presented)
        expect(answer).toMatchObject({ ok: true, token: expect.stringContaining('hf1.') })

        await until('the activity is written', async () => {
          const found = await made.store.entries.read(made.id)
          return found?.lastActivity === made.host.now()
        })
      })
    })
  })
})
