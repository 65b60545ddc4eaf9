import type { SessionId, SubjectKey } from '../../core/ids.ts'
import type { Entries, Entry, WriteOptions } from '../../core/store.ts'
import { backlogFull } from '../feed/bound.ts'
import { checkedAttached, checkedEntry, checkedId, checkedTime } from '../input.ts'
import { locate, suffixOf } from '../partition.ts'
import {
  decodeRecord,
  encodeBody,
  encodeUpdate,
  foundOf,
  isReadable,
  keepsApart,
} from '../stored-record.ts'
import { packedChange, packedEnd, packedEvent } from './feed-items.ts'
import { redisList } from './lists.ts'
import { bytesOf, numberOf, unexpectedReply } from './replies.ts'
import { BACKLOG_FULL, SCRIPTS } from './scripts.ts'
import type { RedisContext } from './store.ts'

/** Ids in one touch: many enough to be cheap, few enough not to hold Redis up. */
const TOUCH_SLICE = 500

/** The answer of the script for updates that leaves a write to the script for all. */
const ASK_WRITE = 2

const OUTCOMES = [
  [1, 'written'],
  [0, 'conflict'],
  [-1, 'gone'],
  [-2, 'limit'],
] as const

/**
 * `Entries` in Redis: at most one command for each operation but lists, touches and a write that
 * moves a deadline.
 */
export function redisEntries(context: RedisContext): Entries {
  const { ask, keys, now } = context

  function update(entry: Entry, { seenAt, events }: WriteTerms): Promise<number> {
    const { id, version } = entry
    const location = locate(id)
    const { partition } = location
    return context.update({
      partition,
      keys: [
        keys.record(location, id),
        keys.generation(location),
        keys.feed(partition),
        keys.counter(partition),
        keys.confirmed(partition),
      ],
      args: [
        String(partition),
        encodeUpdate(entry, seenAt),
        String(1 + events.length),
        packedChange({ session: id, version, at: now() }),
        ...events.map(packedEvent),
      ],
    })
  }

  function write(
    { id, version, generation, createdAt, deadline, idleMs, sealed }: Entry,
    { limit, attributes, seenAt, events }: WriteTerms & RareTerms,
  ): Promise<unknown> {
    const location = locate(id)
    const { subject, partition } = location
    return ask.run(
      SCRIPTS.write,
      [
        keys.record(location, id),
        keys.generation(location),
        keys.index(location),
        keys.subjects(partition),
        keys.feed(partition),
        keys.counter(partition),
        keys.apart(location, id),
        keys.confirmed(partition),
      ],
      [
        ...feedArguments(context),
        suffixOf(id),
        subject,
        ...texts([version, generation, createdAt, deadline, idleMs, seenAt]),
        limit === undefined ? '' : String(limit),
        keys.recordsOf(location),
        encodeBody({ attributes, sealed }),
        attributes === undefined ? '' : '1',
        ...(version > 1 ? [packedChange({ session: id, version, at: now() })] : []),
        ...events.map(packedEvent),
      ],
    )
  }

  return {
    async read(id) {
      const location = locate(checkedId(id))
      const names = [keys.record(location, id), keys.generation(location)]
      const found = await context.readKeys(location.partition, names)
      const first = bytesOf(found[0])
      if (first === undefined) return undefined
      // Once more, all at once: a write may bring the attributes into the record meanwhile.
      const [raw, raised, apart] = keepsApart(first)
        ? await context.readKeys(location.partition, [...names, keys.apart(location, id)])
        : found
      const bytes = bytesOf(raw)
      if (bytes === undefined) return undefined
      const record = decodeRecord(bytes, () => bytesOf(apart))
      const at = now()
      if (!isReadable(record, { generation: numberOf(raised), now: at })) return undefined
      return foundOf(id, record, at)
    },

    async write(entry, { limit, attributes, seenAt = 0, events = [] } = {}) {
      checkedEntry(entry)
      checkedAttached(attributes)
      checkedTime(seenAt, 'seenAt')
      if (entry.version > 1 && attributes === undefined) {
        const outcome = await update(entry, { seenAt, events })
        context.wake()
        if (outcome !== ASK_WRITE) return outcomeOf(outcome, entry.id)
      }
      const reply = await write(entry, { limit, attributes, seenAt, events })
      context.wake()
      return outcomeOf(reply, entry.id)
    },

    async revoke(id, { reason, at, events = [] }) {
      const location = locate(checkedId(id))
      const { partition } = location
      const reply = await ask.run(
        SCRIPTS.revoke,
        [
          keys.record(location, id),
          keys.generation(location),
          keys.index(location),
          keys.apart(location, id),
          keys.feed(partition),
          keys.counter(partition),
          keys.secret(partition),
          keys.confirmed(partition),
        ],
        [
          ...feedArguments(context),
          suffixOf(id),
          packedEnd({ session: id, reason, at }),
          ...events.map(packedEvent),
        ],
      )
      context.wake()
      return reply === 1
    },

    async expire(id, { reason, at, events = [] }) {
      const location = locate(checkedId(id))
      const { partition } = location
      const reply = await ask.run(
        SCRIPTS.expire,
        [
          keys.record(location, id),
          keys.generation(location),
          keys.index(location),
          keys.feed(partition),
          keys.counter(partition),
          keys.secret(partition),
          keys.confirmed(partition),
        ],
        [
          ...feedArguments(context),
          suffixOf(id),
          packedEnd({ session: id, reason, at }),
          ...events.map(packedEvent),
        ],
      )
      context.wake()
      return reply === 1
    },

    async touch(seen) {
      const byPartition = new Map<number, { key: string; at: string }[]>()
      for (const { id, at } of seen) {
        const location = locate(checkedId(id))
        const { partition } = location
        const touches = byPartition.get(partition) ?? []
        byPartition.set(partition, touches)
        touches.push({ key: keys.record(location, id), at: String(checkedTime(at, 'at')) })
      }
      const time = String(now())
      const slices = [...byPartition.values()].flatMap((touches) => slicesOf(touches, TOUCH_SLICE))
      await Promise.all(
        slices.map((slice) =>
          ask.run(
            SCRIPTS.touch,
            slice.map(({ key }) => key),
            [time, ...slice.map(({ at }) => at)],
          ),
        ),
      )
    },

    list: redisList(context),
  }
}

type WriteTerms = Required<Pick<WriteOptions, 'seenAt' | 'events'>>

interface RareTerms {
  readonly limit: WriteOptions['limit'] | undefined
  readonly attributes: WriteOptions['attributes'] | undefined
}

/** The clock and the bounds of the feed, as every script that appends to it takes them. */
export function feedArguments(context: Pick<RedisContext, 'now' | 'feed'>): string[] {
  const { entries, bytes, backlogBytes } = context.feed
  return [String(context.now()), `${entries} ${bytes} ${backlogBytes}`]
}

/** The answer of a script, unless it has to wait for the audit log. */
export function admitted(reply: unknown, partition: number): unknown {
  if (reply === BACKLOG_FULL) throw backlogFull(partition)
  return reply
}

/** The bytes of an id or a subject key. */
export function rawOf(key: SessionId | SubjectKey): Buffer {
  return Buffer.from(key, 'base64url')
}

/** Numbers as arguments of a script. */
export function texts(numbers: readonly number[]): string[] {
  return numbers.map(String)
}

function outcomeOf(reply: unknown, id: SessionId): (typeof OUTCOMES)[number][1] {
  const answered = admitted(reply, locate(id).partition)
  const outcome = OUTCOMES.find(([code]) => code === answered)
  if (outcome === undefined) throw unexpectedReply()
  return outcome[1]
}

function slicesOf<T>(items: readonly T[], size: number): (readonly T[])[] {
  const slices: (readonly T[])[] = []
  for (let at = 0; at < items.length; at += size) slices.push(items.slice(at, at + size))
  return slices
}
