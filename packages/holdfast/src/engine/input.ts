import type { AccessTokens } from '../core/access-token.ts'
import { SessionError } from '../core/errors.ts'
import type { Reason } from '../core/feed.ts'
import { isSessionId, type SessionId, type SubjectKey } from '../core/ids.ts'
import { isObject } from '../core/options.ts'
import {
  isWellFormed,
  LIMITS,
  longerThan,
  type Network,
  type RequestFacts,
} from '../core/request.ts'
import type { Attributes, JsonValue } from '../core/session.ts'
import type { Ordered, SubjectRef, Traced } from '../core/sessions.ts'
import type { Cause } from '../core/trace.ts'
import { CLIENT_ADDRESS } from '../wire/address-pattern.ts'
import { checker, type Problem } from '../wire/check.ts'
import { fieldsOf } from '../wire/describe.ts'
import { requestFacts } from '../wire/request-facts.ts'
import type { EngineContext } from './context.ts'

const MAX_DEPTH = 16

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const CODE = /^[a-z][a-z0-9_]{0,63}$/
const encoder = new TextEncoder()

/** Bounds on a word that names something: a subject, a class, an `acr`, a method. */
export function checkWord(field: string, value: unknown, max: number = LIMITS.word): string {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'must be a non-empty string')
  if (longerThan(value, max)) throw invalid(field, `must not be longer than ${max} characters`)
  if (!isWellFormed(value)) throw invalid(field, 'must be well-formed Unicode')
  return value
}

/** The one argument of a call, before its parts are looked at. */
export function checkObject(field: string, value: unknown): void {
  if (!isObject(value)) throw invalid(field, 'must be an object')
}

/** An order to end something, with its defaults. */
export function checkOrdered(by: Ordered): {
  readonly reason: Reason
  readonly actor: string
  readonly cause: Cause
} {
  if (!isObject(by)) throw invalid('by', 'must be an object with a reason')
  checkCorrelation(by)
  return {
    reason: checkCode('reason', by.reason),
    actor: checkWord('actor', by.actor ?? 'application'),
    cause: by,
  }
}

export function checkCorrelation({ correlation }: Traced): void {
  if (correlation !== undefined) checkWord('correlation', correlation)
}

/** Why something ended. Machines read it in the event log and in the feed. */
export function checkCode(field: string, value: unknown): string {
  if (typeof value === 'string' && CODE.test(value)) return value
  throw invalid(field, 'must be a code in snake_case of at most 64 characters')
}

export function checkSessionId(field: string, id: unknown): SessionId {
  if (typeof id === 'string' && isSessionId(id)) return id
  throw invalid(field, 'is not a session id')
}

export function checkInstant(field: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalid(field, 'must be an instant in ms since the epoch')
}

export function checkWords(field: string, values: unknown, max: number): readonly string[] {
  if (!Array.isArray(values)) throw invalid(field, 'must be an array of strings')
  if (values.length > max) throw invalid(field, `must not have more than ${max} elements`)
  return values.map((value, at) => checkWord(`${field}[${at}]`, value))
}

export function checkBoolean(field: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw invalid(field, 'must be true or false')
}

export function checkDuration(field: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value <= 0) {
    throw invalid(field, 'must be a positive whole number of milliseconds')
  }
  return value
}

/**
 * Before anything has an effect: a secret that is rotated for an answer that cannot be given would
 * be lost.
 */
export function checkAudience(tokens: AccessTokens | undefined, audience: unknown): void {
  if (tokens?.audiences.some((known) => known === audience)) return
  throw invalid('audience', 'is not one that access tokens are issued for')
}

/**
 * Types of what an adapter or a caller says about a request. Whatever its client made long is no
 * reason to refuse it: who looks at it looks at its beginning.
 */
export function checkRequest(request: RequestFacts): RequestFacts {
  if (typeof request !== 'object' || request === null) throw invalid('request', 'must be an object')
  const { ip, method, url, headers } = request
  if (ip !== null) checkWord('request.ip', ip, LIMITS.address)
  if (typeof method !== 'string' || !TOKEN.test(method))
    throw invalid('request.method', 'must be a method of HTTP')
  if (typeof url !== 'string') throw invalid('request.url', 'must be a string')
  if (typeof headers !== 'object' || headers === null)
    throw invalid('request.headers', 'must be an object')
  for (const name of Object.keys(headers)) checkHeader(name, headers[name])
  for (const [name, check] of OPTIONAL_FACTS) {
    const value: unknown = Reflect.get(request, name)
    if (value !== undefined && !check.accepts(value)) throw wrongFact(name, check.problems(value))
  }
  return request
}

/** The facts that a request need not have, with the checks of the wire. */
const OPTIONAL_FACTS = fieldsOf(requestFacts)
  .filter(([, { optional }]) => optional)
  .map(([name, { of }]) => [name, checker(of, 'request')] as const)

function wrongFact(name: string, problems: readonly Problem[]): SessionError {
  const { field = '', problem = 'is wrong' } = problems[0] ?? {}
  return invalid(`request.${name}${field === '' ? '' : `.${field}`}`, problem)
}

/**
 * Describes where a request came from. What is no address must not pass for an unknown one, which
 * nothing speaks against.
 */
export function checkNetwork<Described extends Network>(
  describe: (ip: string | null) => Described,
  ip: string | null,
): Described {
  const network = describe(ip)
  if (ip === null || network.address !== null) return network
  throw invalid('request.ip', CLIENT_ADDRESS.problem)
}

function checkHeader(name: string, value: unknown): void {
  if (typeof value === 'string') return
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return
  throw invalid(`request.headers.${name.slice(0, 64)}`, 'must be text')
}

/**
 * A JSON object of at most 8 KiB and bounded depth, without the one key that reaches a prototype.
 * What is refused is named by its path.
 */
export function checkAttributes(value: unknown): Attributes {
  if (!isPlain(value)) throw invalid('attributes', 'must be a JSON object')
  checkJson('attributes', value, 0)
  const bytes = bytesOf(value)
  if (bytes > LIMITS.attributesBytes) {
    const sizes = Object.entries(value).map(([key, one]) => [bytesOf(one), key] as const)
    const [size, key] = sizes.reduce((most, one) => (one[0] > most[0] ? one : most), [0, ''])
    throw invalid(
      'attributes',
      `must not be larger than ${LIMITS.attributesBytes} bytes as JSON, and have ${bytes}; ` +
        `most of it is ${JSON.stringify(key.slice(0, MAX_KEY))} with ${size}`,
    )
  }
  return value
}

function bytesOf(value: JsonValue): number {
  return encoder.encode(JSON.stringify(value)).length
}

/** JSON merge patch (RFC 7396): null deletes, objects merge, everything else replaces. */
export function mergePatch(target: Attributes, patch: Attributes): Attributes {
  const merged = new Map<string, JsonValue>(Object.entries(target))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else if (isPlain(value)) {
      const old = merged.get(key)
      merged.set(key, mergePatch(isPlain(old) ? old : {}, value))
    } else merged.set(key, value)
  }
  return Object.fromEntries(merged)
}

function checkJson(field: string, value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw invalid(field, `must not be nested deeper than ${MAX_DEPTH}`)
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number' && Number.isFinite(value)) return
  if (Array.isArray(value)) {
    // Holes, too: JSON has none.
    for (let at = 0; at < value.length; at++) checkJson(`${field}[${at}]`, value[at], depth + 1)
    return
  }
  if (!isPlain(value)) throw invalid(field, `must be JSON, and is ${kindOf(value)}`)
  for (const [key, one] of Object.entries(value)) {
    if (key === '__proto__') throw invalid(field, 'must not have a key "__proto__"')
    checkJson(`${field}.${key.slice(0, MAX_KEY)}`, one, depth + 1)
  }
}

const MAX_KEY = 64

/** Dates, maps and the like would come back as something else. */
function isPlain(value: unknown): value is { readonly [key: string]: JsonValue } {
  if (!isObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Objects of another realm have a prototype of their own, which is the last one there.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'undefined: leave it out'
  if (typeof value === 'number') return String(value)
  if (value instanceof Date) return 'a Date: write toISOString()'
  if (typeof value === 'object') return `a ${String(value?.constructor?.name).slice(0, MAX_KEY)}`
  return `a ${typeof value}`
}

export function invalid(field: string, problem: string): SessionError {
  return new SessionError('invalid_input', `${field} ${problem}`)
}

export const DEFAULT_TENANT = 'default'

export interface CheckedSubject {
  readonly subject: string
  readonly tenant: string
  readonly key: SubjectKey
}

/** Sizes and types of a subject's name, and the key under which a store knows it. */
export function checkSubject(
  engine: Pick<EngineContext, 'codec'>,
  ref: SubjectRef,
): CheckedSubject {
  if (!isObject(ref)) throw invalid('subject', "must be an object, as in { subject: 'ada' }")
  const subject = checkWord('subject', ref.subject, LIMITS.subject)
  const tenant = checkWord('tenant', ref.tenant ?? DEFAULT_TENANT, LIMITS.tenant)
  return { subject, tenant, key: engine.codec.subjectKey(tenant, subject) }
}
