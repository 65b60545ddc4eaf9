import type { EventOf } from '../../core/event-of.ts'
import {
  type EventSampling,
  type EventType,
  SAMPLED_EVENTS,
  type SessionEvent,
} from '../../core/events.ts'
import { partitionOf, type SessionId, type SubjectKey } from '../../core/ids.ts'
import type { MadeEvent } from '../context.ts'

export interface SamplerOptions {
  /** One share for all types, or some by name. */
  readonly sampling: number | EventSampling
  readonly perSecond: number
  readonly now: () => number
  /** Commits events of one partition. */
  readonly append: (key: SessionId | SubjectKey, events: readonly MadeEvent[]) => Promise<void>
}

/** Keeps a share of the events that come with no change. Nobody waits for it. */
export interface EventSampler {
  /** Whether some of this type are kept. */
  samples(type: EventType): boolean
  /** Never throws. What finds no room is counted, and the next one of its type says how many. */
  offer(made: MadeEvent): void
  /** Before a change, so that what was told before it stands before it. */
  flush(): void
}

/** Events that wait or are on their way. A store that hangs holds no more of them. */
const MOST_WAITING = 1_024
const SECOND_MS = 1_000
const ID_RANGE = 2 ** 32

/** What was kept of one type in one second, and what found no room since the last kept one. */
interface Tally {
  second: number
  kept: number
  more: number
}

export function eventSampler(options: SamplerOptions): EventSampler {
  const { sampling, perSecond, now, append } = options
  const tallies = new Map<EventType, Tally>()
  let queue: MadeEvent[] = []
  let waiting = 0

  function shareOf(type: EventType): number {
    const sampled = SAMPLED_EVENTS.find((one) => one === type)
    if (sampled === undefined) return 0
    return typeof sampling === 'number' ? sampling : (sampling[sampled] ?? 0)
  }

  function tallyOf(type: EventType): Tally {
    const tally = tallies.get(type) ?? { second: 0, kept: 0, more: 0 }
    tallies.set(type, tally)
    return tally
  }

  function hasRoom(tally: Tally): boolean {
    const second = Math.floor(now() / SECOND_MS)
    if (tally.second !== second) {
      tally.second = second
      tally.kept = 0
    }
    return tally.kept < perSecond && waiting < MOST_WAITING
  }

  function flush(): void {
    if (queue.length === 0) return
    const byPartition = new Map<number, MadeEvent[]>()
    for (const made of queue) {
      const partition = partitionOf(placeOf(made.event))
      const together = byPartition.get(partition) ?? []
      together.push(made)
      byPartition.set(partition, together)
    }
    queue = []
    for (const events of byPartition.values()) void commit(events)
  }

  async function commit(events: readonly MadeEvent[]): Promise<void> {
    const [first] = events
    if (first === undefined) return
    try {
      await append(placeOf(first.event), events)
    } catch {
      // A store that fails or has no room tells of it where something depends on it.
      for (const { event } of events) tallyOf(event.type).more += 1 + (event.more ?? 0)
    } finally {
      waiting -= events.length
    }
  }

  return {
    samples: (type) => shareOf(type) > 0,
    offer(made) {
      const { event } = made
      if (!isChosen(event, shareOf(event.type))) return
      const tally = tallyOf(event.type)
      if (!hasRoom(tally)) {
        tally.more++
        return
      }
      const { more } = tally
      tally.kept++
      tally.more = 0
      waiting++
      if (queue.push(more === 0 ? made : withMore(made, more)) === 1) setImmediate(flush)
    },
    flush,
  }
}

/** Only types of which a share is kept come here, and those may have it. */
function withMore({ event, personal }: MadeEvent, more: number): MadeEvent {
  return { event: { ...event, more } as EventOf, personal }
}

/** Where an event is in the feed. One about nobody goes by its id, which has a key's form. */
export function placeOf({ session, subject, id }: SessionEvent): SessionId | SubjectKey {
  return session ?? subject ?? id
}

/** By the id, which is random. */
function isChosen({ id }: SessionEvent, share: number): boolean {
  return share >= 1 || Buffer.from(id, 'base64url').readUInt32BE(0) / ID_RANGE < share
}
