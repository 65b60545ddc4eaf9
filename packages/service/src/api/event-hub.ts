import { setImmediate as turn } from 'node:timers/promises'
import type { EventLog, LoggedEvent, PlacedEvent, UnreadableEvent } from 'holdfast/maintenance'
import { type Cursor, decodeCursor, encodeCursor, type Heartbeat } from 'holdfast/store'
import type { EventAtCursor } from 'holdfast/wire'
import type { Logger } from 'pino'
import type { Metrics } from '../main/metrics.ts'
import { type BoundedStream, boundedStream } from './event-stream.ts'

/** Follows the event log once and opens each event once, for all who want to see them live. */
export interface EventHub {
  /** How many streams are open. */
  size(): number
  /** A stream of what comes after a position. Throws `store_unavailable`. */
  open(options: OpenOptions): Promise<Response>
}

export interface OpenOptions {
  /** A position that the log reaches back to. */
  readonly from: Cursor
  /** Those who ask for the same are sent the same bytes. */
  readonly name: string
  readonly wanted: (event: LoggedEvent) => boolean
  /** With what tells who a person is. */
  readonly personal: boolean
  /** Ends the connection, whatever it has not taken yet. */
  readonly cut: () => void
}

export interface EventHubOptions {
  readonly events: EventLog
  readonly stopping: AbortSignal
  /** Silence that a heartbeat breaks. */
  readonly heartbeatMs: number
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'eventReaders'>
}

/** Events that a reader who comes back finds here, unopened as they were. */
const MOST_KEPT = 256
/** Each piece costs a write for each reader, which would be the price of every login. */
const GATHER_MS = 50

/** Characters that are sent in one piece, after which readers get a turn to take it. */
const MOST_AT_ONCE = 65_536
const STEP = 500
const WATCH_EVERY_MS = 1_000

interface Kept {
  readonly event: LoggedEvent
  readonly partition: number
  readonly sequence: number
  /** As it is sent to those who ask for its public part. */
  readonly text: string
}

/** Somebody who has had everything up to where the hub is. */
interface Joined extends Pick<OpenOptions, 'name' | 'wanted' | 'personal'> {
  readonly stream: BoundedStream
  /** Its own position, while that is ahead of the hub's in any partition. */
  ahead: readonly number[] | undefined
}

/**
 * The follower runs while anybody reads. A reader with a position of long ago is first brought up
 * to date page by page, at its own pace; from then on it is sent what all are sent, and is cut off
 * where it does not take it.
 */
export function eventHub(options: EventHubOptions): EventHub {
  const { events, stopping, heartbeatMs, log, metrics } = options
  const encoder = new TextEncoder()
  const open = new Set<BoundedStream>()
  const joined = new Map<BoundedStream, Joined>()
  let follower: { readonly ready: Promise<void>; readonly ended: AbortController } | undefined
  let kept: Kept[] = []
  /** Of each partition, the last that is not kept any more. */
  let floor: number[] = []
  let last: { readonly cursor: Cursor } = { cursor: '' }
  let pending: Kept[] = []
  let pendingCharacters = 0

  async function follow(ended: AbortController): Promise<void> {
    const from = await events.head()
    kept = []
    pending = []
    pendingCharacters = 0
    floor = decodeCursor(from)
    last = { cursor: from }
    void run(from, ended)
  }

  async function run(from: Cursor, ended: AbortController): Promise<void> {
    const timer = setInterval(beat, heartbeatMs)
    timer.unref()
    try {
      const stop = AbortSignal.any([stopping, ended.signal])
      for await (const one of events.watch(from, stop, WATCH_EVERY_MS)) {
        if (stop.aborted) break
        take(one)
        if (pendingCharacters < MOST_AT_ONCE) continue
        flush()
        await turn()
      }
    } catch (error) {
      // A reader resumes from its last id; what is gone by then is answered 410.
      log.warn({ err: error }, 'events: the feed cannot be followed')
    }
    clearInterval(timer)
    if (follower?.ended !== ended) return
    flush()
    follower = undefined
    for (const stream of [...open]) stream.reader.end()
  }

  /** The one follower, begun where there is none. */
  async function following(): Promise<void> {
    if (follower === undefined) {
      const ended = new AbortController()
      follower = { ended, ready: follow(ended) }
    }
    const mine = follower
    try {
      await mine.ready
    } catch (error) {
      if (follower === mine) follower = undefined
      throw error
    }
  }

  function take(one: PlacedEvent | UnreadableEvent | Heartbeat): void {
    if (one.kind !== 'event') {
      last = one
      return
    }
    const { event, partition, sequence } = one
    const entry = { event, partition, sequence, text: message(event, event.cursor) }
    last = event
    const dropped = kept.push(entry) > MOST_KEPT ? kept.shift() : undefined
    if (dropped !== undefined) floor[dropped.partition] = dropped.sequence
    pendingCharacters += entry.text.length
    if (pending.push(entry) === 1) setTimeout(flush, GATHER_MS).unref()
  }

  /** What comes at about one time goes out in one piece, made once for all who ask alike. */
  function flush(): void {
    const entries = pending
    if (entries.length === 0) return
    pending = []
    pendingCharacters = 0
    const made = new Map<string, Uint8Array>()
    for (const one of joined.values()) {
      if (one.ahead !== undefined) {
        send(one.stream, textAhead(one, entries))
        continue
      }
      const bytes = made.get(one.name) ?? encoder.encode(textOf(one, entries))
      made.set(one.name, bytes)
      if (bytes.length > 0) one.stream.reader.send(bytes)
    }
  }

  function send(stream: BoundedStream, text: string): void {
    if (text !== '') stream.reader.send(encoder.encode(text))
  }

  function beat(): void {
    flush()
    const bytes = encoder.encode(heartbeat(last.cursor))
    for (const one of joined.values()) {
      settle(one)
      if (one.ahead === undefined) one.stream.reader.send(bytes)
      else send(one.stream, heartbeat(encodeCursor(one.ahead)))
    }
  }

  /** Forgets the position of somebody whom the hub has caught up with. */
  function settle(one: Joined): void {
    if (one.ahead === undefined) return
    const reached = decodeCursor(last.cursor)
    if (one.ahead.every((sequence, at) => sequence <= (reached[at] ?? 0))) one.ahead = undefined
  }

  /** Without what it has had, and with positions that count what it has had. */
  function textAhead(one: Joined, entries: readonly Kept[]): string {
    let text = ''
    for (const { event, partition, sequence } of entries) {
      const had = one.ahead ?? []
      if (sequence <= (had[partition] ?? 0)) continue
      one.ahead = decodeCursor(event.cursor).map((at, i) => Math.max(at, had[i] ?? 0))
      if (one.wanted(event)) text += message(event, encodeCursor(one.ahead), one.personal)
    }
    settle(one)
    return text
  }

  /** Undefined where it is more than what is kept, or than what is sent in one piece. */
  function missedBy(had: readonly number[]): readonly Kept[] | undefined {
    if (floor.some((sequence, at) => (had[at] ?? 0) < sequence)) return undefined
    const missed = kept.filter(({ partition, sequence }) => sequence > (had[partition] ?? 0))
    const characters = missed.reduce((sum, { text }) => sum + text.length, 0)
    return characters > MOST_AT_ONCE ? undefined : missed
  }

  async function join(
    stream: BoundedStream,
    { from, name, wanted, personal }: Omit<OpenOptions, 'cut'>,
  ): Promise<void> {
    let cursor = from
    while (!stream.isOver()) {
      const had = decodeCursor(cursor)
      if (missedBy(had) !== undefined) {
        // Those who are there get theirs first: it is part of what this one is about to be told.
        flush()
        const one: Joined = { stream, name, wanted, personal, ahead: had }
        send(stream, textAhead(one, missedBy(had) ?? []))
        joined.set(stream, one)
        return
      }
      const page = await events.read(cursor, STEP)
      for (const event of page.items) {
        if (!wanted(event)) continue
        await stream.room()
        send(stream, message(event, event.cursor, personal))
      }
      cursor = page.cursor
    }
  }

  function leave(stream: BoundedStream): void {
    open.delete(stream)
    joined.delete(stream)
    metrics.eventReaders(open.size)
    if (open.size > 0) return
    follower?.ended.abort()
    follower = undefined
  }

  return {
    size: () => open.size,
    async open({ cut, ...asked }) {
      const stream: BoundedStream = boundedStream({ cut, done: () => leave(stream) })
      open.add(stream)
      metrics.eventReaders(open.size)
      try {
        await following()
      } catch (error) {
        leave(stream)
        throw error
      }
      send(stream, `retry: 1000\n${heartbeat(asked.from)}`)
      if (stopping.aborted) stream.reader.end()
      join(stream, asked).catch((error) => {
        log.warn({ err: error }, 'events: a reader cannot be brought up to date')
        stream.reader.end()
      })
      return stream.response
    },
  }
}

function textOf({ wanted, personal }: Joined, entries: readonly Kept[]): string {
  let text = ''
  for (const { event, text: open } of entries) {
    if (wanted(event)) text += personal ? message(event, event.cursor, personal) : open
  }
  return text
}

/** A message of its own with empty data, because readers drop the `id` of one without data. */
function heartbeat(position: Cursor): string {
  return `id: ${position}\nevent: heartbeat\ndata:\n\n`
}

function message(event: LoggedEvent, cursor: Cursor, personal = false): string {
  const data = { ...(personal ? withPersonal(event) : event), cursor }
  return `id: ${cursor}\nevent: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`
}

/** As it is answered to who asks for personal facts. */
export function withPersonal(event: LoggedEvent): EventAtCursor {
  return { ...event, personal: event.personal }
}
