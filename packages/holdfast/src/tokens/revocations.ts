import { EventSourceParserStream } from 'eventsource-parser/stream'
import { serviceAddress } from '../client/service-address.ts'
import { SessionError } from '../core/errors.ts'
import { isSessionId, isSubjectKey } from '../core/ids.ts'
import { matches, type RevocationEntry, revocationSet, type TokenFacts } from './revocation-set.ts'

export type { TokenFacts } from './revocation-set.ts'

/** What has been revoked, as far as this process knows, and how well it knows. */
export interface Revocations {
  /**
   * `fresh`: heard of the feed within 5 s. `stale`: within 30 s. `blind`: not for longer, not yet, or there is a part of
   * the past that nobody could tell.
   */
  state(): 'fresh' | 'stale' | 'blind'
  /** Whether the session of a token is known to be dead. */
  isRevoked(token: TokenFacts): boolean
  /** Calls for each revocation that is heard of, with a test for the tokens that it ends. What it returns ends that. */
  onRevoked(listener: (matches: (token: TokenFacts) => boolean) => void): () => void
  /** Resolves once everything that matters is known. Rejects when the service refuses the key, or this is closed first. */
  ready(): Promise<void>
  /** Leaves nothing open. From then on `blind`. */
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
/** Heartbeats come every second: a connection that is silent for longer is dead, whether it says so or not. */
const SILENT_MS = 6_000
const SNAPSHOT_WITHIN_MS = 10_000
/** Longest message of the stream in characters; ours have some hundred. */
const MAX_MESSAGE = 65_536
const MAX_SNAPSHOT_BYTES = 64 * 1_048_576
/** Some 100 MB. */
const MAX_ENTRIES = 500_000
const LONGEST_PAUSE_MS = 5_000
/** A connection that lasted so long was a good one: the next try comes at once. */
const WORKED_MS = 1_000

/**
 * Follows the revocations of a Holdfast service: a snapshot, then its stream, resumed where it broke off. Throws
 * `config_invalid` for an address or key that can never work.
 *
 * @example
 * const revocations = revocationFeed({ url: 'http://127.0.0.1:4600', key: process.env.HOLDFAST_KEY ?? '' })
 * await revocations.ready()
 */
export function revocationFeed({
  url,
  key,
  fetch: fetcher = fetch,
  now = () => performance.now(),
}: RevocationFeedOptions): Revocations {
  const target = `${serviceAddress({ url, key })}/v1/revocations`
  const set = revocationSet()
  const listeners = new Set<(matches: (token: TokenFacts) => boolean) => void>()
  let closed = false
  /** Ends what is under way: a request, or the wait for the next. */
  let interrupt = (): void => {}
  let windowMs = 0
  let cursor: string | undefined
  let beatAt = -Infinity
  /** Until then a token may be good whose revocation nobody could tell: the past did not reach back, or there was no room. */
  let missingUntil = -Infinity
  let crowdedUntil = -Infinity
  let known = (): void => {}
  let refused = (_: SessionError): void => {}
  const readiness = new Promise<void>((resolve, reject) => {
    known = resolve
    refused = reject
  })
  readiness.catch(() => {}) // nobody has to ask

  async function run(): Promise<void> {
    for (let failures = 0; !closed; failures++) {
      const startedAt = now()
      try {
        if (cursor === undefined) await takeSnapshot()
        await follow()
      } catch (error) {
        if (error instanceof SessionError && error.code === 'config_invalid') refused(error)
      }
      if (now() - startedAt >= WORKED_MS) failures = 0
      if (failures > 0) await pause(failures)
    }
  }

  async function takeSnapshot(): Promise<void> {
    const askedAt = now()
    const limit = setTimeout(() => interrupt(), SNAPSHOT_WITHIN_MS)
    limit.unref?.()
    const text = await ask({ accept: 'application/json' })
      .then(boundedText)
      .finally(() => clearTimeout(limit))
    const snapshot = snapshotOf(text)
    if (snapshot === undefined) throw unavailable('answered something that is no snapshot')
    windowMs = snapshot.windowMs
    for (const entry of snapshot.entries) learn(entry)
    // a token from before `since` may have been revoked unseen; it is good for a window at most
    missingUntil = now() + snapshot.since - (snapshot.asOf - windowMs)
    cursor = snapshot.cursor
    beatAt = askedAt
    if (snapshot.entries.length > 0) tell((token) => set.has(token))
    known()
  }

  /** Until the stream ends or is of no use any more. */
  async function follow(): Promise<void> {
    let heardAt = now()
    const timer = setInterval(() => {
      if (now() - heardAt > SILENT_MS) interrupt()
    }, 1_000)
    timer.unref?.()
    try {
      const headers = { accept: 'text/event-stream', 'last-event-id': cursor ?? '' }
      const { body } = await ask(headers)
      if (body === null) throw unavailable('answered without a stream')
      const messages = body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream({ maxBufferSize: MAX_MESSAGE }))
      let counted = 0
      for await (const { event, data } of messages) {
        heardAt = now()
        const told = toldOf(event, data)
        counted++
        if (told === undefined || told.n !== counted) {
          // something was lost on the way, and nobody can say what
          cursor = undefined
          return
        }
        if ('entry' in told) {
          learn(told.entry)
          tell(matches(told.entry))
        } else {
          beatAt = heardAt
          set.prune(heardAt)
        }
        cursor = told.cursor
      }
    } finally {
      clearInterval(timer)
    }
  }

  async function ask(headers: Record<string, string>): Promise<Response> {
    const aborter = new AbortController()
    interrupt = () => aborter.abort()
    if (closed) interrupt()
    const response = await fetcher(target, {
      redirect: 'error',
      signal: aborter.signal,
      headers: { authorization: `Bearer ${key}`, ...headers },
    })
    if (response.ok) return response
    await response.body?.cancel()
    const { status } = response
    // the position is gone, or of another store
    if (status === 410 || status === 400) cursor = undefined
    if (status !== 401 && status !== 403) throw unavailable(`answered with status ${status}`)
    throw new SessionError(
      'config_invalid',
      `The service refuses this API key (status ${status}): it needs the role gate or app.`,
    )
  }

  function learn(entry: RevocationEntry): void {
    const at = now()
    set.prune(at)
    if (set.size() >= MAX_ENTRIES) {
      set.dropOldest()
      crowdedUntil = at + windowMs
    }
    set.add(entry, at + windowMs)
  }

  function tell(ends: (token: TokenFacts) => boolean): void {
    for (const listener of [...listeners]) {
      try {
        listener(ends)
      } catch (error) {
        // one that fails must not keep the others, or us, from hearing what comes
        process.emitWarning(`A listener of revocations failed: ${String(error)}`)
      }
    }
  }

  async function pause(failures: number): Promise<void> {
    const ms = Math.min(LONGEST_PAUSE_MS, 50 * 2 ** failures) * (0.5 + Math.random())
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      timer.unref?.()
      interrupt = () => {
        clearTimeout(timer)
        resolve()
      }
      if (closed) interrupt()
    })
  }

  void run()

  return {
    state() {
      const at = now()
      if (closed || at < missingUntil || at < crowdedUntil) return 'blind'
      const age = at - beatAt
      if (age < FRESH_MS) return 'fresh'
      return age < BLIND_MS ? 'stale' : 'blind'
    },
    isRevoked: (token) => set.has(token),
    onRevoked(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    ready: () => readiness,
    close() {
      closed = true
      interrupt()
      listeners.clear()
      refused(unavailable('was not heard before the feed was closed'))
    },
  }
}

async function boundedText(response: Response): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of response.body) {
    size += chunk.byteLength
    if (size > MAX_SNAPSHOT_BYTES) throw unavailable(`sent more than ${MAX_SNAPSHOT_BYTES} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function unavailable(what: string): SessionError {
  return new SessionError('store_unavailable', `The Holdfast service ${what}.`)
}

/** What the service knows, at one moment. */
export interface Snapshot {
  readonly cursor: string
  readonly asOf: number
  readonly windowMs: number
  readonly since: number
  readonly entries: readonly RevocationEntry[]
}

/** A message of the stream. */
export type Told =
  | { readonly n: number; readonly cursor: string; readonly entry: RevocationEntry }
  | { readonly n: number; readonly cursor: string; readonly asOf: number }

const MAX_CURSOR = 2_048
const MAX_WINDOW_MS = 3_600_000

/** The snapshot, or undefined for anything that is none. */
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

/** The message, or undefined for anything that is none. */
function toldOf(event: string | undefined, data: string): Told | undefined {
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
