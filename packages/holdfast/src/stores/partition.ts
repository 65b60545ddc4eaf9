import { createHash } from 'node:crypto'
import { PARTITIONS, type SessionId, type SubjectKey } from '../core/ids.ts'

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const VALUES = new Uint8Array(128)
for (let i = 0; i < DIGITS.length; i++) VALUES[DIGITS.charCodeAt(i)] = i

/** Letters of an id that are its subject's alone: 126 of the 128 bits. */
const SHARED = 21

export interface Home {
  readonly subject: SubjectKey
  readonly partition: number
}

/**
 * Subject and partition of a valid id or subject key, read off its letters: the same as `subjectOf` and
 * `partitionOf` give, without decoding. Every operation of a store needs both.
 */
export function homeOf(key: SessionId | SubjectKey): Home {
  const before = VALUES[key.charCodeAt(SHARED - 1)] ?? 0
  const last = VALUES[key.charCodeAt(SHARED)] ?? 0
  return {
    subject: key.slice(0, SHARED) + DIGITS.charAt(last & 48),
    partition: ((before & 15) << 2) | (last >> 4),
  }
}

/** The part of a session id that tells it from others of its subject: indexes keep no more. */
export function tailOf(id: SessionId): string {
  return id.slice(SHARED)
}

export function idOf(subject: SubjectKey, tail: string): SessionId {
  return subject.slice(0, SHARED) + tail
}

/** Session ids of a subject are this and a tail. */
export function sharedOf(subject: SubjectKey): string {
  return subject.slice(0, SHARED)
}

/** A mark's key may be anything, of any length and secret: a store keeps only its SHA-256. */
export function markDigest(key: string): { readonly text: string; readonly partition: number } {
  const digest = createHash('sha256').update(key).digest()
  return { text: digest.toString('base64url'), partition: (digest[0] ?? 0) % PARTITIONS }
}
