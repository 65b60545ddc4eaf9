import { EventSourceParserStream } from 'eventsource-parser/stream'
import { boundedText } from '../client/bounded-text.ts'
import { serviceAddress } from '../client/service-address.ts'
import { SessionError } from '../core/errors.ts'
import { isSessionId, isSubjectKey } from '../core/ids.ts'
import { matches, type RevocationEntry, revocationSet, type TokenFacts } from './revocation-set.ts'

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

/** Where the service is, and how to ask it. */
export interface RevocationFeedOptions {
  /** Where the service listens, for example `http://127.0.0.1:4600`. */
  readonly url: string
  /** API key with the role `gate` or `app`. */
  readonly key: string
  /** Instead of the platform's own. */
  readonly fetch?: typeof fetch
  /** A clock that nobody sets, ms. Default: the process's own. */
  readonly now?: () => number
}

const FRESH_MS = 5_000
const BLIND_MS = 30_000
/** Heartbeats come every second, so a connection that is silent for longer is dead. */
const SILENT_MS = 6_000
const SNAPSHOT_WITHIN_MS = 10_000
/** Longest message of the stream, in characters; usual ones have some hundred. */
const MAX_MESSAGE = 65_536
const MAX_SNAPSHOT_BYTES = 64 * 1_048_576
/** Some 100 MB. */
const MAX_ENTRIES = 500_000
const LONGEST_PAUSE_MS = 5_000
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
  const { now = () => performance.now() } = options
  const service = serviceLine(options)
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

/** One request at a time, or the pause before the next: both can be interrupted. */
interface ServiceLine {
  ask(headers: Readonly<Record<string, string>>): Promise<Response>
  /** Resolves early when it is interrupted. */
  pause(failures: number): Promise<void>
  interrupt(): void
  /** Interrupts whatever is under way, and everything that comes after. */
  close(): void
  isClosed(): boolean
}

function serviceLine({ url, key, fetch: fetcher = fetch }: RevocationFeedOptions): ServiceLine {
  const target = `${serviceAddress({ url, key })}/v1/revocations`
  let closed = false
  let interrupt = (): void => {}

  function interruptible(end: () => void): void {
    interrupt = end
    if (closed) end()
  }

  return {
    ask(headers) {
      const aborter = new AbortController()
      interruptible(() => aborter.abort())
      return fetcher(target, {
        redirect: 'error',
        signal: aborter.signal,
        headers: { authorization: `Bearer ${key}`, ...headers },
      })
    },
    pause(failures) {
      const ms = Math.min(LONGEST_PAUSE_MS, 50 * 2 ** failures) * (0.5 + Math.random())
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        timer.unref?.()
        interruptible(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    },
    interrupt: () => interrupt(),
    close() {
      closed = true
      interrupt()
    },
    isClosed: () => closed,
  }
}

/** Throws for a refusal: `config_invalid` where only the operator can fix it. */
async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response
  await response.body?.cancel()
  const { status } = response
  if (status !== 401 && status !== 403) throw unavailable(`answered with status ${status}`)
  throw new SessionError(
    'config_invalid',
    `The service refuses this API key (status ${status}): it needs the role gate or app.`,
  )
}

async function takeSnapshot(service: ServiceLine): Promise<Snapshot> {
  const limit = setTimeout(service.interrupt, SNAPSHOT_WITHIN_MS)
  limit.unref?.()
  try {
    const response = await accepted(await service.ask({ accept: 'application/json' }))
    const text = await boundedText(response, MAX_SNAPSHOT_BYTES)
    if (text === undefined) throw unavailable(`sent more than ${MAX_SNAPSHOT_BYTES} bytes`)
    const snapshot = snapshotOf(text)
    if (snapshot === undefined) throw unavailable('answered something that is no snapshot')
    return snapshot
  } finally {
    clearTimeout(limit)
  }
}

/**
 * The messages after a position. Undefined, where something was lost: the service no longer knows
 * the position, or a message cannot be read or does not follow its predecessor. Interrupts a
 * service that falls silent.
 */
async function* messagesAfter(
  cursor: string,
  { now, service }: { readonly now: () => number; readonly service: ServiceLine },
): AsyncGenerator<FeedMessage | undefined> {
  let heardAt = now()
  const timer = setInterval(() => {
    if (now() - heardAt > SILENT_MS) service.interrupt()
  }, 1_000)
  timer.unref?.()
  try {
    const headers = { accept: 'text/event-stream', 'last-event-id': cursor }
    const response = await service.ask(headers)
    if (response.status === 410 || response.status === 400) {
      await response.body?.cancel()
      yield undefined
      return
    }
    const { body } = await accepted(response)
    if (body === null) throw unavailable('answered without a stream')
    const parsed = body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream({ maxBufferSize: MAX_MESSAGE }))
    let count = 0
    for await (const { event, data } of parsed) {
      heardAt = now()
      const message = messageOf(event, data)
      count++
      yield message?.n === count ? message : undefined
    }
  } finally {
    clearInterval(timer)
  }
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

function unavailable(what: string): SessionError {
  return new SessionError('store_unavailable', `The Holdfast service ${what}.`)
}

/** What the service knows at one moment. */
interface Snapshot {
  readonly cursor: string
  readonly asOf: number
  readonly windowMs: number
  readonly since: number
  readonly entries: readonly RevocationEntry[]
}

/** A message of the stream, numbered from 1. */
type FeedMessage =
  | { readonly n: number; readonly cursor: string; readonly entry: RevocationEntry }
  | { readonly n: number; readonly cursor: string; readonly asOf: number }

const MAX_CURSOR = 2_048
const MAX_WINDOW_MS = 3_600_000

/** Undefined for anything that is no snapshot. */
function snapshotOf(text: string): Snapshot | undefined {
  const body = objectOf(text)
  if (body === undefined || !Array.isArray(body.entries)) return undefined
  const { cursor, asOf, windowMs, since } = body
  if (!isCursor(cursor) || !isCount(asOf) || !isCount(since) || !isCount(windowMs)) return undefined
  if (windowMs < 1 || windowMs > MAX_WINDOW_MS) return undefined
  const entries = body.entries.map(entryOf)
  if (!entries.every((entry) => entry !== undefined)) return undefined
  return { cursor, asOf, windowMs, since, entries }
}

/** Undefined for anything that is no message. */
function messageOf(event: string | undefined, data: string): FeedMessage | undefined {
  const body = objectOf(data)
  if (body === undefined || !isCount(body.n) || !isCursor(body.cursor)) return undefined
  const { n, cursor, asOf } = body
  if (event === 'heartbeat') return isCount(asOf) ? { n, cursor, asOf } : undefined
  const entry = entryOf(body)
  return entry === undefined || entry.kind !== event ? undefined : { n, cursor, entry }
}

function entryOf(value: unknown): RevocationEntry | undefined {
  if (!isObject(value)) return undefined
  const { kind, session, subject, generation, except } = value
  if (kind === 'revoked') return isSession(session) ? { kind, session } : undefined
  if (kind !== 'subject' || typeof subject !== 'string' || !isSubjectKey(subject)) return undefined
  if (!isCount(generation) || (except !== null && !isSession(except))) return undefined
  return { kind, subject, generation, except }
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return isObject(body) ? body : undefined
  } catch {
    return undefined // what is not JSON is no message either
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isSession(value: unknown): value is string {
  return typeof value === 'string' && isSessionId(value)
}

function isCursor(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.:~=-]+$/.test(value) && value.length <= MAX_CURSOR
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
