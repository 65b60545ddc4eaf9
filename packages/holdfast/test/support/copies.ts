import { setImmediate as nextTurn } from 'node:timers/promises'
import { type SessionId, subjectOf } from '../../src/core/ids.ts'
import type { Presented, Sessions, Verification } from '../../src/core/sessions.ts'
import type { Found, Store } from '../../src/core/store.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { type Harness, harness, type OpenStore } from './harness.ts'
import { atHome, lookup } from './people.ts'
import { until } from './until.ts'

/** Two engines over one store: the harness's own, and another one that keeps local copies. */
export interface TwoEngines extends Harness {
  readonly near: Sessions
  /** How often the other engine answered from a copy, and how often it had to read. */
  readonly asked: { hit: number; miss: number }
  /** Shows a token to the other engine. */
  showNear(token: string, changes?: Partial<Presented>): Promise<Verification>
  /** Shows it until a copy answers. */
  copied(token: string): Promise<void>
  /** Shows it until the answer is this code. */
  untilNear(token: string, code: string): Promise<void>
}

/** `through`: what the other engine sees of the store. */
export async function twoEngines(
  open: OpenStore,
  { max, through = (store) => store }: { max?: number; through?: (store: Store) => Store } = {},
): Promise<TwoEngines> {
  const far = await harness(open)
  const asked = { hit: 0, miss: 0 }
  const near = createSessions({
    lookup,
    store: through(far.store),
    host: far.host,
    keyring: far.keyring,
    localCopies: {
      ...(max === undefined ? {} : { max }),
      onAsked: (state) => {
        asked[state]++
      },
    },
  })
  const showNear: TwoEngines['showNear'] = (token, changes = {}) =>
    near.verify({ token, request: atHome(), deliverable: true, ...changes })

  return {
    ...far,
    near,
    asked,
    showNear,
    async copied(token) {
      await until('a copy answers', async () => {
        const before = asked.hit
        const answer = await showNear(token)
        if (!answer.ok) throw new Error(`refused: ${answer.code}`)
        return asked.hit > before
      })
    },
    async untilNear(token, code) {
      await until(`the other engine says ${code}`, async () => {
        const answer = await showNear(token)
        return (answer.ok ? 'ok' : answer.code) === code
      })
    },
  }
}

/** The store, with its feed under the control of a test. */
export function withFeed(store: Store, feed: Partial<Store['feed']>): Store {
  return { ...store, feed: { ...store.feed, ...feed } }
}

/** The store, with answers to reads that a test changes. */
export function withRead(store: Store, change: (found: Found) => Found): Store {
  return {
    ...store,
    entries: {
      ...store.entries,
      async read(id) {
        const found = await store.entries.read(id)
        return found && change(found)
      },
    },
  }
}

/** Between an engine and its store: holds back the answers of reads, or what the feed tells. */
export interface Gate {
  through(store: Store): Store
  shut(what: 'reads' | 'feed'): void
  open(what: 'reads' | 'feed'): void
  /** Until a read is held back. */
  waiting(): Promise<void>
  /** Until the engine has heard that this ended. */
  heard(ending: { readonly session: SessionId }): Promise<void>
}

export function gated(): Gate {
  const doors = { reads: door(), feed: door() }
  const ended = new Set<string>()
  let held = 0
  return {
    through: (store) => ({
      ...store,
      entries: {
        ...store.entries,
        async read(id) {
          const found = await store.entries.read(id)
          held++
          await doors.reads.passed()
          held--
          return found
        },
      },
      feed: {
        ...store.feed,
        async *watch(after, stop, options) {
          for await (const told of store.feed.watch(after, stop, options)) {
            await doors.feed.passed()
            yield told
            if (told.kind === 'revoked') ended.add(told.session)
            if (told.kind === 'subject') ended.add(told.subject)
          }
        },
      },
    }),
    shut: (what) => doors[what].shut(),
    open: (what) => doors[what].open(),
    async waiting() {
      await until('a read is held back', () => held > 0)
    },
    async heard({ session }) {
      while (!ended.has(session) && !ended.has(subjectOf(session))) await nextTurn()
    },
  }
}

function door(): { shut(): void; open(): void; passed(): Promise<void> | undefined } {
  let closed: Promise<void> | undefined
  let open = (): void => {}
  return {
    shut() {
      closed ??= new Promise((resolve) => {
        open = resolve
      })
    },
    open() {
      closed = undefined
      open()
    },
    passed: () => closed,
  }
}
