import { isSessionId, isSubjectKey } from '../core/ids.ts'
import type { RevocationEntry } from './revocation-set.ts'

/** What the service knows, at one moment. */
export interface Snapshot {
  readonly cursor: string
  readonly asOf: number
  readonly windowMs: number
  readonly since: number
  readonly entries: readonly RevocationEntry[]
}

/** A message of the stream. */
export type Told =
  | { readonly n: number; readonly cursor: string; readonly entry: RevocationEntry }
  | { readonly n: number; readonly cursor: string; readonly asOf: number }

const MAX_CURSOR = 2_048
const MAX_WINDOW_MS = 3_600_000

/** The snapshot, or undefined for anything that is none. */
export function snapshotOf(text: string): Snapshot | undefined {
  const body = objectOf(text)
  if (body === undefined || !Array.isArray(body.entries)) return undefined
  const { cursor, asOf, windowMs, since } = body
  if (!isCursor(cursor) || !isCount(asOf) || !isCount(since) || !isCount(windowMs)) return undefined
  if (windowMs < 1 || windowMs > MAX_WINDOW_MS) return undefined
  const entries = body.entries.map(entryOf)
  if (!entries.every((entry) => entry !== undefined)) return undefined
  return { cursor, asOf, windowMs, since, entries }
}

/** The message, or undefined for anything that is none. */
export function toldOf(event: string, data: string): Told | undefined {
  const body = objectOf(data)
  if (body === undefined || !isCount(body.n) || !isCursor(body.cursor)) return undefined
  const { n, cursor, asOf } = body
  if (event === 'heartbeat') return isCount(asOf) ? { n, cursor, asOf } : undefined
  const entry = entryOf(body)
  return entry === undefined || entry.kind !== event ? undefined : { n, cursor, entry }
}

function entryOf(value: unknown): RevocationEntry | undefined {
  if (!isObject(value)) return undefined
  const { kind, session, subject, generation, except } = value
  if (kind === 'revoked') return isSession(session) ? { kind, session } : undefined
  if (kind !== 'subject' || typeof subject !== 'string' || !isSubjectKey(subject)) return undefined
  if (!isCount(generation) || (except !== null && !isSession(except))) return undefined
  return { kind, subject, generation, except }
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return isObject(body) ? body : undefined
  } catch {
    return undefined // what is not JSON is no message either
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isSession(value: unknown): value is string {
  return typeof value === 'string' && isSessionId(value)
}

function isCursor(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.:~=-]+$/.test(value) && value.length <= MAX_CURSOR
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
