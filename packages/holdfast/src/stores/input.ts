import { SessionError } from '../core/errors.ts'
import { isSessionId, isSubjectKey, type SessionId, type SubjectKey } from '../core/ids.ts'
import type { Attached, Entry } from '../core/store.ts'

const MAX_PAGE = 1_000
const MAX_VERSION = 2 ** 32 - 1
const MAX_TIME = 2 ** 48 - 1

/** Throws `invalid_input` for anything but a session id: ids become parts of keys. */
export function checkedId(id: SessionId): SessionId {
  if (typeof id !== 'string' || !isSessionId(id)) throw invalid('That is not a session id.')
  return id
}

/** Throws `invalid_input` for anything but a subject key. */
export function checkedSubject(subject: SubjectKey): SubjectKey {
  if (typeof subject !== 'string' || !isSubjectKey(subject)) {
    throw invalid('That is not a subject key.')
  }
  return subject
}

/** Throws `invalid_input` for anything but a session id or a subject key. */
export function checkedKey(key: SessionId | SubjectKey): SessionId | SubjectKey {
  return isSubjectKey(key) ? key : checkedId(key)
}

/** Throws `invalid_input` for an entry whose id or numbers do not fit the layout of a record. */
export function checkedEntry(entry: Entry): Entry {
  checkedId(entry.id)
  checkedVersion(entry.version)
  for (const field of ['generation', 'createdAt', 'deadline', 'idleMs'] as const) {
    checkedTime(entry[field], field)
  }
  return entry
}

/** Throws `invalid_input` for attributes whose version does not fit the layout of a record. */
export function checkedAttached(attributes: Attached | undefined): void {
  if (attributes !== undefined) checkedVersion(attributes.version)
}

/** Throws `invalid_input` for a version that a record cannot hold. */
export function checkedVersion(version: number): number {
  if (!Number.isInteger(version) || version < 1 || version > MAX_VERSION) {
    throw invalid('A version must be a whole number from 1 up.')
  }
  return version
}

/** Throws `invalid_input` for an instant or a duration that a record cannot hold. */
export function checkedTime(time: number, field: string): number {
  if (!Number.isInteger(time) || time < 0 || time > MAX_TIME) {
    throw invalid(`"${field}" must be whole milliseconds, not negative.`)
  }
  return time
}

/** The size of a page: what was asked for, at least 1 and at most 1000. */
export function pageSize(limit: number): number {
  return Math.min(MAX_PAGE, Math.max(1, Math.floor(limit)))
}

/** The fault for a position that no store of this kind has given out. */
export function invalidPosition(): SessionError {
  return invalid('That is not a position in a list.')
}

function invalid(message: string): SessionError {
  return new SessionError('invalid_input', message)
}
