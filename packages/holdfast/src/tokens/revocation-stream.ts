import { EventSourceParserStream } from 'eventsource-parser/stream'
import { boundedText } from '../client/bounded-text.ts'
import { fetchUntil } from '../client/fetch-until.ts'
import { serviceAddress } from '../client/service-address.ts'
import { SessionError } from '../core/errors.ts'
import { isSessionId, isSubjectKey } from '../core/ids.ts'
import type { RevocationEntry } from './revocation-set.ts'

/** Where the service is, and how to ask it. */
export interface ServiceOptions {
  /** Where the service listens, for example `http://127.0.0.1:4600`. */
  readonly url: string
  /** API key with the role `gate` or `app`. */
  readonly key: string
  /** Instead of the platform's own. */
  readonly fetch?: typeof fetch | undefined
}

/** Heartbeats come every second, so a connection that is silent for longer is dead. */
const SILENT_MS = 6_000
const SNAPSHOT_WITHIN_MS = 10_000
/** Longest message of the stream, in characters; usual ones have some hundred. */
const MAX_MESSAGE = 65_536
const MAX_SNAPSHOT_BYTES = 64 * 1_048_576
const LONGEST_PAUSE_MS = 5_000
const MAX_CURSOR = 2_048
const MAX_WINDOW_MS = 3_600_000

/** One request at a time, or the pause before the next: both can be interrupted. */
export interface ServiceLine {
  ask(headers: Readonly<Record<string, string>>): Promise<Response>
  /** Resolves early when it is interrupted. */
  pause(failures: number): Promise<void>
  interrupt(): void
  /** Interrupts whatever is under way, and everything that comes after. */
  close(): void
  isClosed(): boolean
}

export function serviceLine({ url, key, fetch: fetcher = fetch }: ServiceOptions): ServiceLine {
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
      return fetchUntil(fetcher, target, {
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

export async function takeSnapshot(service: ServiceLine): Promise<Snapshot> {
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
export async function* messagesAfter(
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

export function unavailable(what: string): SessionError {
  return new SessionError('store_unavailable', `The Holdfast service ${what}.`)
}

/** What the service knows at one moment. */
export interface Snapshot {
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
