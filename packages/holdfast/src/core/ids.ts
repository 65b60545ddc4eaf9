import { fromBase64url, toBase64url } from './base64url.ts'

/** Public: base64url of subject tag (16 bytes) and randomness (16 bytes). Never a secret. */
export type SessionId = string

/**
 * HMAC(index key, tenant, subject), 16 bytes in base64url: the only form of a subject that a store
 * or a log sees.
 */
export type SubjectKey = string

/** Fixed for ever: changing it would orphan every stored session. */
export const PARTITIONS = 64

export const SUBJECT_KEY_BYTES = 16

const SESSION_ID_LENGTH = 43
const SUBJECT_KEY_LENGTH = 22

/**
 * True for text in the one form of a session id; says nothing about whether such a session exists.
 */
export function isSessionId(text: string): boolean {
  return text.length === SESSION_ID_LENGTH && fromBase64url(text) !== undefined
}

/** The subject key of a session id: the subject tag in front of it. */
export function subjectOf(id: SessionId): SubjectKey {
  const bytes = fromBase64url(id)
  if (bytes === undefined) throw new TypeError('not a session id')
  return toBase64url(bytes.subarray(0, SUBJECT_KEY_BYTES))
}

/**
 * All keys of one subject live in one partition, so that one single-slot step can change them
 * together.
 */
export function partitionOf(key: SessionId | SubjectKey): number {
  const bytes = fromBase64url(key)
  if (bytes === undefined) throw new TypeError('not a session id or subject key')
  return (bytes[SUBJECT_KEY_BYTES - 1] ?? 0) % PARTITIONS
}

/** True for text in the one form of a subject key. */
export function isSubjectKey(text: string): boolean {
  return text.length === SUBJECT_KEY_LENGTH && fromBase64url(text) !== undefined
}
