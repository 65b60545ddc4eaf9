import { fromBase64url } from './base64url.ts'

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

/** 32 and 16 bytes in base64url, in their one spelling: the last letter has no stray bits. */
const SESSION_ID = /^[\w-]{42}[AEIMQUYcgkosw048]$/
const SUBJECT_KEY = /^[\w-]{21}[AQgw]$/

/**
 * True for text in the one form of a session id; says nothing about whether such a session exists.
 */
export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text)
}

/** The subject key of a session id: the subject tag in front of it. */
export function subjectOf(id: SessionId): SubjectKey {
  if (!isSessionId(id)) throw new TypeError('not a session id')
  // The last letter of the key has the two upper bits of the letter that stands in its place.
  return id.slice(0, TAG_LETTERS) + LAST_LETTERS.charAt(DIGITS.indexOf(id.charAt(TAG_LETTERS)) >> 4)
}

/** Letters that say nothing but the subject tag: 126 of its 128 bits. */
const TAG_LETTERS = 21
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const LAST_LETTERS = 'AQgw'

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
  return SUBJECT_KEY.test(text)
}
