import { SERVICE_ALIASES, SERVICE_FIELDS } from '../client/options.ts'
import { SessionError } from '../core/errors.ts'
import { func } from '../core/option-kinds.ts'
import { checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import { matches, type RevocationEntry, revocationSet, type TokenFacts } from './revocation-set.ts'
import {
  messagesAfter,
  type ServiceOptions,
  type Snapshot,
  serviceLine,
  takeSnapshot,
  unavailable,
} from './revocation-stream.ts'

export type { TokenFacts } from './revocation-set.ts'

/** What has been revoked, as far as this process knows, and how well it knows. */
export interface Revocations {
  /**
   * `fresh`: the last heartbeat is less than 5 s old. `stale`: less than 30 s. `blind`: older, not
   * connected yet, or a part of the past is missing.
   */
  state(): 'fresh' | 'stale' | 'blind'
  /** Whether the session of a token is known to be revoked. */
  isRevoked(token: TokenFacts): boolean
  /**
   * Calls the listener for each revocation that arrives, with a test for the tokens that it ends.
   * Returns a function that removes the listener.
   */
  onRevoked(listener: (matches: (token: TokenFacts) => boolean) => void): () => void
  /**
   * Resolves with the first snapshot. Rejects when the service refuses the key, or when the feed is
   * closed first.
   */
  ready(): Promise<void>
  /** Ends the connection and every timer. From then on the state is `blind`. */
  close(): void
}

const NO_TIMEOUT = 'the feed has times of its own; leave it out'

/** Where the service is, and how to ask it. */
export interface RevocationFeedOptions extends ServiceOptions {
  /** A clock that nobody sets, ms. Default: the process's own. */
  readonly now?: () => number
}

/** The options of `revocationFeed()`. */
export const FEED_OPTIONS = {
  of: 'revocationFeed()',
  fields: {
    ...SERVICE_FIELDS,
    now: func<() => number>('it tells the time, in ms, and is never set back'),
  } satisfies OptionsOf<RevocationFeedOptions>,
  aliases: { ...SERVICE_ALIASES, timeout: NO_TIMEOUT, timeoutMs: NO_TIMEOUT },
} satisfies OptionTable

const FRESH_MS = 5_000
const BLIND_MS = 30_000
/** Some 100 MB. */
const MAX_ENTRIES = 500_000
/** After a connection that lasted this long, the next attempt follows at once. */
const WORKED_MS = 1_000

/**
 * Follows the revocations of a Holdfast service: a snapshot, then its stream, resumed where it
 * broke off. Throws `config_invalid` for an address or key that can never work.
 *
 * @example
 * const revocations = revocationFeed({ url, key: process.env.HOLDFAST_KEY ?? '' })
 * await revocations.ready()
 */
export function revocationFeed(options: RevocationFeedOptions): Revocations {
  const { now = () => performance.now(), ...where } = checked(FEED_OPTIONS, options)
  const service = serviceLine(where)
  const known = knowledge(now)
  const listeners = revocationListeners()
  const readiness = deferred()
  /** Where the stream goes on; undefined where a snapshot is needed first. */
  let cursor: string | undefined

  async function follow(): Promise<void> {
    if (cursor === undefined) {
      const askedAt = now()
      const snapshot = await takeSnapshot(service)
      cursor = snapshot.cursor
      known.restart(snapshot, askedAt)
      if (snapshot.entries.length > 0) listeners.notify(known.has)
      readiness.resolve()
    }
    for await (const message of messagesAfter(cursor, { now, service })) {
      cursor = message?.cursor
      if (message === undefined) return
      if ('entry' in message) {
        known.learn(message.entry)
        listeners.notify(matches(message.entry))
      } else known.heartbeat()
    }
  }

  async function run(): Promise<void> {
    for (let failures = 0; !service.isClosed(); failures++) {
      const startedAt = now()
      await follow().catch((error: unknown) => {
        if (error instanceof SessionError && error.code === 'config_invalid') {
          readiness.reject(error)
        }
      })
      if (now() - startedAt >= WORKED_MS) failures = 0
      if (failures > 0) await service.pause(failures)
    }
  }

  void run()

  return {
    state: () => (service.isClosed() ? 'blind' : known.state()),
    isRevoked: known.has,
    onRevoked: listeners.add,
    ready: () => readiness.promise,
    close() {
      service.close()
      listeners.clear()
      readiness.reject(unavailable('was not heard before the feed was closed'))
    },
  }
}

function deferred(): {
  readonly promise: Promise<void>
  resolve(): void
  reject(error: SessionError): void
} {
  let resolve = (): void => {}
  let reject = (_: SessionError): void => {}
  const promise = new Promise<void>((done, failed) => {
    resolve = done
    reject = failed
  })
  promise.catch(() => {}) // nobody has to ask
  return { promise, resolve: () => resolve(), reject: (error) => reject(error) }
}

/**
 * What is revoked, since when the service has been heard, and which part of the past is missing.
 */
interface Knowledge {
  restart(snapshot: Snapshot, askedAt: number): void
  learn(entry: RevocationEntry): void
  heartbeat(): void
  readonly has: (token: TokenFacts) => boolean
  state(): ReturnType<Revocations['state']>
}

function knowledge(now: () => number): Knowledge {
  const set = revocationSet()
  let windowMs = 0
  let heardAt = -Infinity
  /** Until then a token may count although it was revoked before the snapshot begins. */
  let missingUntil = -Infinity
  /** The same, because an entry had to be dropped. */
  let crowdedUntil = -Infinity

  function learn(entry: RevocationEntry): void {
    const at = now()
    set.prune(at)
    if (set.size() >= MAX_ENTRIES) {
      set.dropOldest()
      crowdedUntil = at + windowMs
    }
    set.add(entry, at + windowMs)
  }

  return {
    restart(snapshot, askedAt) {
      windowMs = snapshot.windowMs
      for (const entry of snapshot.entries) learn(entry)
      // a token from before `since` may have been revoked unseen; it counts for a window at most
      missingUntil = now() + snapshot.since - (snapshot.asOf - windowMs)
      heardAt = askedAt
    },
    learn,
    heartbeat() {
      heardAt = now()
      set.prune(heardAt)
    },
    has: (token) => set.has(token),
    state() {
      const at = now()
      if (at < missingUntil || at < crowdedUntil) return 'blind'
      const age = at - heardAt
      if (age < FRESH_MS) return 'fresh'
      return age < BLIND_MS ? 'stale' : 'blind'
    },
  }
}

type RevocationListener = Parameters<Revocations['onRevoked']>[0]

function revocationListeners(): {
  readonly add: Revocations['onRevoked']
  notify(matches: (token: TokenFacts) => boolean): void
  clear(): void
} {
  const listeners = new Set<RevocationListener>()
  return {
    add(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    notify(ends) {
      for (const listener of [...listeners]) {
        try {
          listener(ends)
        } catch (error) {
          // the other listeners and the feed go on
          process.emitWarning(`A listener of revocations failed: ${String(error)}`)
        }
      }
    },
    clear: () => listeners.clear(),
  }
}
