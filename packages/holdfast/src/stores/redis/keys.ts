import { PARTITIONS, type SessionId } from '../../core/ids.ts'
import { type Location, prefixOf } from '../partition.ts'

/**
 * Names of all keys, as short as they can be told apart. The hash tag keeps those of one partition
 * in one Cluster slot. The letter of each kind is the stored format: it stays as it is.
 */
export interface RedisKeys {
  record(location: Location, id: SessionId): string
  /** Attributes of a record of before. */
  apart(location: Location, id: SessionId): string
  /** Prefix of the record keys of a subject; a script appends the suffix of a session id. */
  recordsOf(location: Location): string
  /** As {@link RedisKeys.recordsOf}, for {@link RedisKeys.apart}. */
  apartOf(location: Location): string
  index(location: Location): string
  generation(location: Location): string
  history(location: Location): string
  /** Subjects that may have live sessions, by their last deadline. */
  subjects(partition: number): string
  /** Subjects that have a history, by the instant until which it is kept. */
  histories(partition: number): string
  feed(partition: number): string
  counter(partition: number): string
  /** What the audit log has of the feed. */
  confirmed(partition: number): string
  /** What messages of a partition are authenticated with. */
  secret(partition: number): string
  replay(partition: number, digest: string): string
  /** A mark that proves that writes are taken. */
  mark(partition: number): string
  /** The channel that scripts publish on; they derive it from the key of a feed. */
  readonly wake: string
}

export function redisKeys(prefix: string): RedisKeys {
  const tags = Array.from({ length: PARTITIONS }, (_, partition) => `{p${partition}}`)
  const key = (kind: string, partition: number, name: string): string =>
    `${prefix}${kind}${tags[partition]}${name}`
  const ofPartition = (kind: string, partition: number): string =>
    `${prefix}${kind}${tags[partition]}`

  return {
    record: ({ partition }, id) => key('s', partition, shortened(id)),
    apart: ({ partition }, id) => key('t', partition, shortened(id)),
    recordsOf: ({ partition, subject }) => key('s', partition, shortened(prefixOf(subject))),
    apartOf: ({ partition, subject }) => key('t', partition, shortened(prefixOf(subject))),
    index: ({ partition, subject }) => key('i', partition, subject),
    generation: ({ partition, subject }) => key('g', partition, subject),
    history: ({ partition, subject }) => key('h', partition, subject),
    subjects: (partition) => ofPartition('p', partition),
    histories: (partition) => ofPartition('q', partition),
    feed: (partition) => ofPartition('f', partition),
    counter: (partition) => ofPartition('n', partition),
    confirmed: (partition) => ofPartition('a', partition),
    secret: (partition) => ofPartition('k', partition),
    replay: (partition, digest) => key('m', partition, digest),
    mark: (partition) => ofPartition('w', partition),
    wake: `${prefix}wake`,
  }
}

/**
 * A session id without 60 of the 128 bits of its subject: a key of at most 44 letters takes Redis
 * 16 bytes less. The 128 random bits are all there, and a record opens under its whole id alone.
 */
function shortened(id: string): string {
  return id.slice(10)
}
