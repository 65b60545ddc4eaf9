import type { PersonalFacts, SessionEvent } from 'holdfast/maintenance'
import { inert } from '../inert-text.ts'

/** What the subject is told of. `meanwhile`: what was done while somebody else held the session. */
export type NoticeKind = 'new_device' | 'new_place' | 'step_up_failed' | 'fork' | 'meanwhile'

/** A message to the person whose session it is. All text in it is inert. */
export interface Notice {
  readonly kind: NoticeKind
  /** Id of the event. The same event is one notice. */
  readonly event: string
  readonly at: number
  readonly session: string | null
  /** As the application names it. */
  readonly subject: string | null
  readonly tenant: string | null
  /** For example `Chrome 148 on Windows`; null where it is not known. */
  readonly device: string | null
  /** For example `Oslo, Norway`. */
  readonly place: string | null
  readonly address: string | null
  /** Of `meanwhile`: oldest first. */
  readonly done: readonly { readonly at: number; readonly text: string }[]
}

/** Of `done`: the last ones. */
export const MOST_DONE = 30
const MOST_WORD = 256

/** The notice that an event is worth; undefined for most. */
export function noticeOf(event: SessionEvent, personal: PersonalFacts | null): Notice | undefined {
  const kind = kindOf(event)
  return kind === undefined ? undefined : { kind, ...factsOf(event, personal), done: [] }
}

/**
 * What was done in a session between a fork and the step-up that settled it, for the one who passed
 * it. Undefined where nothing was.
 */
export function meanwhileOf(
  event: SessionEvent,
  personal: PersonalFacts | null,
  between: readonly SessionEvent[],
): Notice | undefined {
  const done = between
    .flatMap((one) => {
      const text = DONE[one.type]
      return text === undefined ? [] : [{ at: one.at, text: `${text}${whereOf(one)}` }]
    })
    .slice(-MOST_DONE)
  if (done.length === 0) return undefined
  return { kind: 'meanwhile', ...factsOf(event, personal), done }
}

/** Whether an event is something that somebody did, and that {@link meanwhileOf} tells of. */
export function isDone({ type }: SessionEvent): boolean {
  return DONE[type] !== undefined
}

function kindOf({ type, reason, decision }: SessionEvent): NoticeKind | undefined {
  if (type === 'token-reused') return FORKS.has(reason ?? '') ? 'fork' : undefined
  if (type === 'step-up-failed') return 'step_up_failed'
  // A login that looks odd has a second event, which says the same once more.
  if (!PLACES.has(type) || reason === 'login') return undefined
  const against = (decision?.because ?? []).filter(({ weight }) => weight > 0)
  if (against.some((one) => NEW_DEVICE.has(one.reason))) return 'new_device'
  return against.some((one) => NEW_PLACE.test(one.reason)) ? 'new_place' : undefined
}

const FORKS: ReadonlySet<string> = new Set(['secret_forked', 'store_rolled_back', 'refresh_reused'])
const PLACES: ReadonlySet<string> = new Set([
  'session-established',
  'context-changed',
  'anomaly-detected',
])
const NEW_DEVICE: ReadonlySet<string> = new Set(['platform_changed', 'not_a_browser'])
const NEW_PLACE = /^(?:country_new_|network_new_far$|hosting_new$|hosting_foreign$|travel_)/

/** What of the catalogue is the doing of whoever held the session. */
const DONE: Partial<Record<SessionEvent['type'], string>> = {
  'session-established': 'Logged in',
  'session-presented': 'Used the session',
  'session-refreshed': 'Renewed the session',
  'context-changed': 'Used the session from another place or browser',
  'anomaly-detected': 'Looked unusual',
  'step-up-required': 'Was asked for another proof',
  'step-up-failed': 'Failed to give another proof',
  'step-up-completed': 'Gave another proof',
}

function factsOf(
  event: SessionEvent,
  personal: PersonalFacts | null,
): Omit<Notice, 'kind' | 'done'> {
  return {
    event: event.id,
    at: event.at,
    session: event.session,
    subject: word(personal?.subject),
    tenant: word(personal?.tenant),
    device: deviceOf(event),
    place: placeOf(event),
    address: word(personal?.address),
  }
}

function deviceOf({ device }: SessionEvent): string | null {
  if (device === null || device.family === 'unknown') return null
  const version = device.major === null ? '' : ` ${device.major}`
  const system = SYSTEMS[device.os]
  const browser = BROWSERS[device.family] ?? device.family
  const on = system === undefined ? '' : ` on ${system}`
  return inert(`${browser}${version}${on}`, MOST_WORD)
}

/** What people call them. */
const BROWSERS: Readonly<Record<string, string>> = {
  chrome: 'Chrome',
  edge: 'Edge',
  opera: 'Opera',
  samsung: 'Samsung Internet',
  firefox: 'Firefox',
  safari: 'Safari',
  app: 'An app',
  automation: 'A program, not a browser',
}

const SYSTEMS: Readonly<Record<string, string>> = {
  windows: 'Windows',
  macos: 'macOS',
  linux: 'Linux',
  chromeos: 'ChromeOS',
  android: 'Android',
  ios: 'iOS',
}

const COUNTRIES = new Intl.DisplayNames('en', { type: 'region' })

function placeOf({ network }: SessionEvent): string | null {
  const { city = null, country = null } = network ?? {}
  const known = country !== null && /^[A-Z]{2}$/.test(country) ? COUNTRIES.of(country) : country
  const parts = [city, known].flatMap((part) => part ?? [])
  return parts.length === 0 ? null : inert(parts.join(', '), MOST_WORD)
}

function whereOf(event: SessionEvent): string {
  const parts = [deviceOf(event), placeOf(event)].flatMap((part) => part ?? [])
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

function word(text: string | null | undefined): string | null {
  return text == null ? null : inert(text, MOST_WORD)
}
