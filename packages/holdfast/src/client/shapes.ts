import type { Decision, Outcome } from '../core/decision.ts'
import { CODES, type Code, type RefusalCode } from '../core/errors.ts'
import type { Evidence, EvidenceGroup } from '../core/evidence.ts'
import { isSessionId } from '../core/ids.ts'
import type { SessionDetail, SessionView } from '../core/session.ts'
import type {
  Created,
  Refreshed,
  RefreshStatus,
  Requirements,
  StepUpBegun,
  Verification,
} from '../core/sessions.ts'
import type { Page } from '../core/store.ts'

/** Guards for what a service answers. What does not pass is not believed, above all not an `ok`. */

const OUTCOMES: readonly Outcome[] = ['allow', 'observe', 'challenge', 'limit', 'deny', 'revoke']
const TRUSTING: readonly Outcome[] = ['allow', 'observe']
const ALLOWING: readonly Outcome[] = [...TRUSTING, 'limit']
const STATUSES: readonly RefreshStatus[] = ['normal', 'resent', 'response_lost', 'in_flight']
const GROUPS: readonly EvidenceGroup[] = ['N', 'D', 'C', 'R', 'K', 'B', 'P']

type Fields = Readonly<Record<string, unknown>>

export function isCreated(value: unknown): value is Created & { readonly ok: true } {
  return (
    isObject(value) &&
    isSessionView(value.session) &&
    isText(value.token) &&
    isOptional(isText, value.refreshToken) &&
    isDecision(value.decision) &&
    typeof value.persistent === 'boolean'
  )
}

export function isVerification(value: unknown): value is Verification {
  if (!isObject(value)) return false
  if (value.ok === true) {
    return (
      isDecision(value.decision) &&
      ALLOWING.includes(value.decision.outcome) &&
      isSessionView(value.session) &&
      isOptional(isText, value.token) &&
      isOptional(isText, value.refreshToken) &&
      isOptional(isText, value.accessToken) &&
      isOptional(isNumber, value.expiresIn) &&
      typeof value.persistent === 'boolean'
    )
  }
  return isRefusal(value) && isOptional(isDemands, value.requirements)
}

/** The body of a refresh that passed: its status says `ok`. */
export function isRefreshed(
  value: unknown,
): value is Omit<Refreshed & { readonly ok: true }, 'ok'> {
  return (
    isObject(value) &&
    isDecision(value.decision) &&
    TRUSTING.includes(value.decision.outcome) &&
    isSessionView(value.session) &&
    STATUSES.some((status) => status === value.status) &&
    isOptional(isText, value.refreshToken) &&
    isOptional(isText, value.accessToken) &&
    isOptional(isNumber, value.expiresIn) &&
    typeof value.persistent === 'boolean'
  )
}

/** The problem that a refused refresh is. */
export function isRefusedRefresh(value: unknown): value is {
  readonly code: RefusalCode
  readonly decision?: Decision
  readonly requirements?: Requirements
} {
  return (
    isObject(value) &&
    isRefusalCode(value.code) &&
    isOptional(isDecision, value.decision) &&
    isOptional(isDemands, value.requirements)
  )
}

export function isStepUpBegun(value: unknown): value is StepUpBegun {
  if (!isObject(value)) return false
  if (value.ok !== true) return isRefusal(value)
  return (
    isText(value.challenge) &&
    isNumber(value.expiresAt) &&
    isText(value.subject) &&
    isText(value.tenant) &&
    isTexts(value.factors) &&
    isDecision(value.decision)
  )
}

export function isSessionDetail(value: unknown): value is SessionDetail {
  return (
    isObject(value) &&
    isSessionFacts(value) &&
    isNumber(value.lastActivity) &&
    isPlaceAndDevice(value.origin) &&
    Array.isArray(value.contexts) &&
    value.contexts.every(isContext) &&
    typeof value.forked === 'boolean'
  )
}

export function isSessionPage(value: unknown): value is Page<SessionDetail> {
  return (
    isObject(value) &&
    Array.isArray(value.items) &&
    value.items.every(isSessionDetail) &&
    isOptional(isText, value.next)
  )
}

export function isVersion(value: unknown): value is { readonly version: number } {
  return isObject(value) && isNumber(value.version)
}

function isRefusal(value: Fields): boolean {
  return value.ok === false && isRefusalCode(value.code) && isOptional(isDecision, value.decision)
}

function isRefusalCode(value: unknown): value is RefusalCode {
  return isText(value) && Object.hasOwn(CODES, value) && CODES[value as Code].kind === 'refusal'
}

function isDemands(value: unknown): boolean {
  return isObject(value) && isOptional(isText, value.acr) && isOptional(isNumber, value.maxAge)
}

function isDecision(value: unknown): value is Decision {
  return (
    isObject(value) &&
    OUTCOMES.some((outcome) => outcome === value.outcome) &&
    isNumber(value.score) &&
    Array.isArray(value.because) &&
    value.because.every(isEvidence)
  )
}

function isEvidence(value: unknown): value is Evidence {
  return (
    isObject(value) &&
    GROUPS.some((group) => group === value.group) &&
    isText(value.reason) &&
    isNumber(value.weight) &&
    isObject(value.detail) &&
    isText(value.text)
  )
}

function isSessionView(value: unknown): value is SessionView {
  return isObject(value) && isSessionFacts(value) && isText(value.formToken)
}

function isSessionFacts(value: Fields): boolean {
  return (
    isText(value.id) &&
    isSessionId(value.id) &&
    isText(value.subject) &&
    isText(value.tenant) &&
    isText(value.class) &&
    (value.acr === null || isText(value.acr)) &&
    isTexts(value.amr) &&
    isNumber(value.authenticatedAt) &&
    isNumber(value.createdAt) &&
    isNumber(value.expiresAt) &&
    isNumber(value.idleMs) &&
    isObject(value.attributes) &&
    isNumber(value.attributesVersion)
  )
}

function isContext(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value.key) &&
    (value.state === 'confirmed' ||
      value.state === 'provisional' ||
      value.state === 'challenged') &&
    isPlaceAndDevice(value) &&
    isNumber(value.firstSeen) &&
    isNumber(value.lastSeen) &&
    isNumber(value.visits) &&
    isNumber(value.evidence) &&
    isNumber(value.evidenceNow) &&
    Array.isArray(value.because)
  )
}

function isPlaceAndDevice(value: unknown): boolean {
  return isObject(value) && isObject(value.network) && isObject(value.device)
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText)
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isOptional(is: (value: unknown) => boolean, value: unknown): boolean {
  return value === undefined || is(value)
}
