import { SessionError } from '../core/errors.ts'
import type { SessionId, SubjectKey } from '../core/ids.ts'
import type { Entry } from '../core/store.ts'

/** 32 and 16 bytes in base64url, in their one spelling: the last letter has no stray bits. */
const SESSION_ID = /^[\w-]{42}[AEIMQUYcgkosw048]$/
const SUBJECT_KEY = /^[\w-]{21}[AQgw]$/

const MAX_PAGE = 1_000
const MAX_VERSION = 2 ** 32 - 1
const MAX_TIME = 2 ** 48 - 1

/** Ids become parts of keys, so nothing but an id may pass. Throws `invalid_input`. */
export function checkedId(id: SessionId): SessionId {
  if (typeof id !== 'string' || !SESSION_ID.test(id)) throw invalid('That is not a session id.')
  return id
}

export function checkedSubject(subject: SubjectKey): SubjectKey {
  if (typeof subject !== 'string' || !SUBJECT_KEY.test(subject)) {
    throw invalid('That is not a subject key.')
  }
  return subject
}

/** A session id or a subject key. */
export function checkedKey(key: SessionId | SubjectKey): SessionId | SubjectKey {
  return SUBJECT_KEY.test(key) ? key : checkedId(key)
}

/** The numbers of an entry must fit the layout of a record. */
export function checkedEntry(entry: Entry): Entry {
  checkedId(entry.id)
  checkedVersion(entry.version)
  for (const field of ['generation', 'createdAt', 'deadline', 'idleMs'] as const) {
    checkedTime(entry[field], field)
  }
  return entry
}

export function checkedVersion(version: number): number {
  if (!Number.isInteger(version) || version < 1 || version > MAX_VERSION) {
    throw invalid('A version must be a whole number from 1 up.')
  }
  return version
}

export function checkedTime(time: number, field: string): number {
  if (!Number.isInteger(time) || time < 0 || time > MAX_TIME) {
    throw invalid(`"${field}" must be whole milliseconds, not negative.`)
  }
  return time
}

/** At least 1, at most 1000, whatever was asked for. */
export function pageSize(limit: number): number {
  return Math.min(MAX_PAGE, Math.max(1, Math.floor(limit)))
}

/** A page position that no store of this kind has given out. */
export function invalidPosition(): SessionError {
  return invalid('That is not a position in a list.')
}

function invalid(message: string): SessionError {
  return new SessionError('invalid_input', message)
}
