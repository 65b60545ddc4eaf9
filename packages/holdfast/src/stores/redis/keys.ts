import { PARTITIONS, type SessionId } from '../../core/ids.ts'
import { type Home, sharedOf } from '../partition.ts'

/** Names of all keys, as short as they can be told apart. The hash tag keeps those of one partition in one Cluster slot. */
export interface RedisKeys {
  record(home: Home, id: SessionId): string
  attributes(home: Home, id: SessionId): string
  /** In front of the tails of a subject's ids: what a script needs to name siblings. */
  recordsOf(home: Home): string
  attributesOf(home: Home): string
  index(home: Home): string
  generation(home: Home): string
  history(home: Home): string
  /** Subjects that may have live sessions, by their last deadline. */
  subjects(partition: number): string
  /** Subjects that have a history, by the end of its time. */
  histories(partition: number): string
  feed(partition: number): string
  counter(partition: number): string
  mark(partition: number, digest: string): string
  /** No key: the channel that scripts publish on, which they find from the name of a feed. */
  readonly wake: string
}

export function redisKeys(prefix: string): RedisKeys {
  const tags = Array.from({ length: PARTITIONS }, (_, partition) => `{p${partition}}`)
  const key = (kind: string, partition: number, name: string): string =>
    `${prefix}${kind}${tags[partition]}${name}`
  const lane = (kind: string, partition: number): string => `${prefix}${kind}${tags[partition]}`

  return {
    record: ({ partition }, id) => key('s', partition, shortened(id)),
    attributes: ({ partition }, id) => key('t', partition, shortened(id)),
    recordsOf: ({ partition, subject }) => key('s', partition, shortened(sharedOf(subject))),
    attributesOf: ({ partition, subject }) => key('t', partition, shortened(sharedOf(subject))),
    index: ({ partition, subject }) => key('i', partition, subject),
    generation: ({ partition, subject }) => key('g', partition, subject),
    history: ({ partition, subject }) => key('h', partition, subject),
    subjects: (partition) => lane('p', partition),
    histories: (partition) => lane('q', partition),
    feed: (partition) => lane('f', partition),
    counter: (partition) => lane('n', partition),
    mark: (partition, digest) => key('m', partition, digest),
    wake: `${prefix}wake`,
  }
}

/**
 * A session id less 60 of the 128 bits of its subject: a key of 44 letters takes Redis 16 bytes less than one more. The
 * 128 random bits are all there, and a record opens under its whole id alone.
 */
function shortened(id: string): string {
  return id.slice(10)
}
