import { PARTITIONS, partitionOf, type SessionId, type SubjectKey, subjectOf } from '../core/ids.ts'

/** Digits of an id that are its subject's and nothing else: 126 of the 128 bits. */
const SHARED = 21

/** Names of all keys. The hash tag keeps those of one partition in one Cluster slot. */
export interface RedisKeys {
  /** What the script needs to name a sibling: add the id's tail. */
  recordsOf(subject: SubjectKey): string
  attributesOf(subject: SubjectKey): string
  record(id: SessionId): string
  attributes(id: SessionId): string
  index(subject: SubjectKey): string
  generation(subject: SubjectKey): string
  history(subject: SubjectKey): string
  subjects(partition: number): string
  feed(partition: number): string
  counter(partition: number): string
  mark(partition: number, digest: string): string
}

export function redisKeys(prefix: string): RedisKeys {
  const key = (kind: string, partition: number): string => `${prefix}${kind}:{p${partition}}`
  const lanes = (kind: string): readonly string[] =>
    Array.from({ length: PARTITIONS }, (_, partition) => key(kind, partition))
  const spaces = { s: lanes('s'), t: lanes('t'), i: lanes('i'), g: lanes('g'), h: lanes('h') }
  const of = (kind: keyof typeof spaces, id: string): string =>
    `${spaces[kind][partitionOf(id)]}:${id}`

  return {
    recordsOf: (subject) => of('s', subject).slice(0, SHARED - subject.length),
    attributesOf: (subject) => of('t', subject).slice(0, SHARED - subject.length),
    record: (id) => of('s', id),
    attributes: (id) => of('t', id),
    index: (subject) => of('i', subject),
    generation: (subject) => of('g', subject),
    history: (subject) => of('h', subject),
    subjects: (partition) => key('p', partition),
    feed: (partition) => key('f', partition),
    counter: (partition) => key('n', partition),
    mark: (partition, digest) => `${key('m', partition)}:${digest}`,
  }
}

/** The part of a session id that tells it from others of its subject: indexes keep no more. */
export function tailOf(id: SessionId): string {
  return id.slice(SHARED)
}

export function idOf(subject: SubjectKey, tail: string): SessionId {
  return subject.slice(0, SHARED) + tail
}

/** Subject and partition of an id, taken apart once. */
export function homeOf(id: SessionId): { subject: SubjectKey; partition: number } {
  return { subject: subjectOf(id), partition: partitionOf(id) }
}
