import { createHash } from 'node:crypto'
import { PARTITIONS, type SessionId, type SubjectKey } from '../core/ids.ts'

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const VALUES = new Uint8Array(128)
for (let i = 0; i < DIGITS.length; i++) VALUES[DIGITS.charCodeAt(i)] = i

/**
 * Length of the prefix that the ids of a subject's sessions share with its key, in letters.
 * They carry 126 of the 128 bits of the subject's tag.
 */
const PREFIX = 21

/** Where a store keeps a session or a subject. */
export interface Location {
  readonly subject: SubjectKey
  readonly partition: number
}

/**
 * Reads subject and partition off the letters of a valid session id or subject key. The result
 * is that of `subjectOf` and `partitionOf`, without decoding: every operation needs both.
 */
export function locate(key: SessionId | SubjectKey): Location {
  const last = VALUES[key.charCodeAt(PREFIX)] ?? 0
  return {
    subject: key.slice(0, PREFIX) + DIGITS.charAt(last & 48),
    partition: partitionOfKey(key),
  }
}

/** The partition of a valid session id or subject key. */
export function partitionOfKey(key: SessionId | SubjectKey): number {
  const before = VALUES[key.charCodeAt(PREFIX - 1)] ?? 0
  const last = VALUES[key.charCodeAt(PREFIX)] ?? 0
  return ((before & 15) << 2) | (last >> 4)
}

/** The prefix that all session ids of a subject share. */
export function prefixOf(subject: SubjectKey): string {
  return subject.slice(0, PREFIX)
}

/** What tells a session id from others of its subject. Indexes keep no more than that. */
export function suffixOf(id: SessionId): string {
  return id.slice(PREFIX)
}

/** The session id that a suffix in the index of a subject stands for. */
export function idOf(subject: SubjectKey, suffix: string): SessionId {
  return prefixOf(subject) + suffix
}

/**
 * SHA-256 of a key of the replay guard, and its partition. Such a key may be secret and of any
 * length, so a store keeps the digest alone.
 */
export function replayDigest(key: string): { readonly text: string; readonly partition: number } {
  const digest = createHash('sha256').update(key).digest()
  return { text: digest.toString('base64url'), partition: (digest[0] ?? 0) % PARTITIONS }
}
