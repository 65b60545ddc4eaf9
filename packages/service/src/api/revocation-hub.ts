import { setTimeout as wait } from 'node:timers/promises'
import { SessionError, type Store } from 'holdfast'
import type { Cursor, FeedEntry, Heartbeat, WatchOptions } from 'holdfast/store'
import type { Logger } from 'pino'
import type { Metrics } from '../main/metrics.ts'
import type { Reader } from './event-stream.ts'
import { type Message, revocationWindow } from './revocation-window.ts'

/** Follows the feed once, for all who want to hear of revocations. */
export interface RevocationHub {
  /** Resolves once there is a snapshot, or the first try to make one has failed. */
  readonly opened: Promise<void>
  /**
   * Whether the feed can be followed. True also while it is read for the first time: what is
   * decided on the store needs no revocations, and readers are answered `store_unavailable` until
   * then.
   */
  ready(): boolean
  /** Number of revocations that are kept: at most 200,000. */
  size(): number
  /**
   * Everything that a token which is still good could be about, as JSON. Throws `store_unavailable`
   * while that is not known.
   */
  snapshot(): string
  /**
   * Sends what comes after a position, or from now on. What it returns ends that. Throws `feed_gap`
   * and `invalid_input`.
   */
  join(after: Cursor | undefined, reader: Reader): Promise<() => void>
}

export interface HubOptions {
  readonly feed: Store['feed']
  readonly now: () => number
  readonly log: Logger
  readonly metrics: Metrics
  readonly stopping: AbortSignal
  readonly most?: number
}

/** The longest life of an access token, 5 s that a verifier adds, and 5 s that its clock errs. */
const WINDOW_MS = 130_000

/** Some 60 MB. */
const MOST = 200_000

/** What was read at the start is complete also for the answers of the first moments. */
const MARGIN_MS = 10_000

const WANTED: WatchOptions = { everyMs: 1_000, kinds: ['revoked', 'subject'] }
const AGAIN_MS = 200
/** A snapshot never rests on an older answer of the store. */
const FRESH_MS = 2_500

/**
 * Its heartbeats are those of the store, passed on: where the store cannot be asked they stop, and
 * readers know by themselves that they are behind. Nothing here runs for a single reader but what
 * is sent to it.
 */
export function revocationHub(options: HubOptions): RevocationHub {
  const { feed, now, log, metrics, stopping, most = MOST } = options
  const window = revocationWindow({ windowMs: WINDOW_MS, most })
  const readers = new Map<Reader, { sent: number }>()
  const encoder = new TextEncoder()
  let pending: Message[] = []
  const waiting: (() => void)[] = []
  let proof: { readonly asOf: number; readonly seenAt: number } | undefined
  let begun = false
  let failed = false
  let opened = (): void => {}
  const first = new Promise<void>((resolve) => {
    opened = resolve
  })

  async function run(): Promise<void> {
    let warned = false
    while (!stopping.aborted) {
      try {
        if (!begun) {
          const { cursor, from } = await feed.position(now() - WINDOW_MS - MARGIN_MS)
          window.restart(cursor, from)
          begun = true
        }
        for await (const one of feed.watch(window.cursor(), stopping, WANTED)) {
          warned = false
          take(one)
        }
        if (!stopping.aborted) break
      } catch (error) {
        lost(error)
        if (!warned) log.warn({ err: error }, 'revocations: the feed cannot be followed')
        warned = true
        await wait(AGAIN_MS, undefined, { ref: false })
      }
    }
    for (const reader of [...readers.keys()]) reader.end()
    release()
  }

  function take(one: FeedEntry | Heartbeat): void {
    if (one.kind === 'heartbeat') {
      const asOf = Math.floor(now() - one.ageMs)
      window.pass(one)
      failed = false
      proof = { asOf, seenAt: performance.now() - one.ageMs }
      send({ kind: 'heartbeat', cursor: one.cursor, members: `"asOf":${asOf}` })
      opened()
    } else if (one.kind === 'revoked' || one.kind === 'subject') {
      send(window.add(one, now()))
      if (proof !== undefined) metrics.revoked({ kind: one.kind, lagMs: now() - one.at })
    } else {
      window.pass(one)
    }
    if (waiting.length > 0) release()
  }

  /**
   * Nothing is known any more. After a gap, and only then, what readers have had cannot be built
   * upon.
   */
  function lost(error: unknown): void {
    proof = undefined
    failed = true
    opened()
    release()
    if (!(error instanceof SessionError) || error.code !== 'feed_gap') return
    begun = false
    for (const reader of [...readers.keys()]) reader.end()
  }

  function release(): void {
    for (const go of waiting.splice(0)) go()
  }

  function isFresh(): boolean {
    return proof !== undefined && performance.now() - proof.seenAt < FRESH_MS
  }

  /** What comes in one turn goes out in one piece, and is written once for all who count alike. */
  function send(message: Message): void {
    pending.push(message)
    if (pending.length === 1) setImmediate(flush)
  }

  function flush(): void {
    const messages = pending
    if (messages.length === 0) return
    pending = []
    const made = new Map<number, Uint8Array>()
    for (const [reader, counted] of readers) {
      const bytes = made.get(counted.sent) ?? encoder.encode(textOf(messages, counted.sent))
      made.set(counted.sent, bytes)
      counted.sent += messages.length
      reader.send(bytes)
    }
  }

  /** Waits until the hub has come to where another one was already. */
  async function missedBy(after: Cursor): Promise<readonly Message[]> {
    for (let proofs = 0; proofs < 2; ) {
      const missed = window.after(after)
      if (missed === 'gap' || stopping.aborted) break
      if (missed !== 'ahead') return missed
      const before = proof
      await new Promise<void>((resolve) => waiting.push(resolve))
      if (proof === undefined) throw unavailable()
      if (proof !== before) proofs++
    }
    throw new SessionError(
      'feed_gap',
      'The stream does not reach back to that position. Take a new snapshot and read on.',
    )
  }

  void run()

  return {
    opened: first,
    ready: () => !failed,
    size: window.size,
    snapshot() {
      if (proof === undefined || !isFresh()) throw unavailable()
      return window.snapshot(proof.asOf, now())
    },
    async join(after, reader) {
      if (!isFresh()) throw unavailable()
      const missed = after === undefined ? [] : await missedBy(after)
      // those who are there already get theirs first: it is part of what this one is about to be
      // told
      flush()
      const leave = (): void => {
        readers.delete(reader)
        metrics.revocationReaders(readers.size)
      }
      readers.set(reader, { sent: missed.length })
      metrics.revocationReaders(readers.size)
      reader.send(encoder.encode(`retry: 1000\n: open\n\n${textOf(missed, 0)}`))
      if (stopping.aborted) reader.end()
      return leave
    },
  }
}

function textOf(messages: readonly Message[], sent: number): string {
  return messages
    .map(
      ({ kind, cursor, members }, i) =>
        `id: ${cursor}\nevent: ${kind}\n` +
        `data: {"n":${sent + i + 1},"cursor":"${cursor}",${members}}\n\n`,
    )
    .join('')
}

function unavailable(): SessionError {
  return new SessionError(
    'store_unavailable',
    'The feed of revocations cannot be followed at present.',
  )
}
