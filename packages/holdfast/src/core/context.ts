import type { Evidence } from './evidence.ts'
import { sameCiphers } from './ja4.ts'
import { lapsedAt } from './lapse.ts'
import type { Device, Network, Presentation } from './request.ts'
import { sameZone } from './time-zones.ts'

/** Most contexts of a session: a thief must not be able to make a record grow. */
export const MAX_CONTEXTS = 16

/**
 * Most challenged contexts of a session: what a thief leaves behind must leave room for the owner.
 */
const MAX_CHALLENGED = MAX_CONTEXTS / 2

/**
 * How often a challenged context is judged anew because its facts change. After that only a step-up
 * helps.
 */
export const MAX_REREADS = 8

/** Silence that separates two visits. */
export const VISIT_GAP_MS = 30 * 60_000

/** In a confirmed context a use a day after the last visit is one, too, without any silence. */
export const VISIT_MS = 24 * 3_600_000

/**
 * - `confirmed`: passed a step-up or a key proof, was the subject's very first login, or came three
 *   times over at least a day without conflict, and from a confirmed context each time. Only these
 *   speak for the owner.
 * - `provisional`: raised no alarm; adds no more novelty, earns no trust either.
 * - `challenged`: looks wrong; refused until it passes a step-up.
 */
export type ContextState = 'confirmed' | 'provisional' | 'challenged'

/** One (network prefix, browser family, OS) from which a session is used. */
export interface Context {
  readonly key: string
  readonly state: ContextState
  readonly network: Network
  readonly device: Device
  readonly firstSeen: number
  readonly lastSeen: number
  readonly visits: number
  /** Decibans at `evidenceAt`; decays with a time constant of 30 minutes and never below zero. */
  readonly evidence: number
  readonly evidenceAt: number
  /** Reasons of the last weighing that go on this context's own account. */
  readonly because: readonly Pick<Evidence, 'group' | 'reason' | 'weight'>[]
  /** How often its facts have changed since it was challenged. Absent: never. */
  readonly rereads?: number
  /**
   * The reason for which its network was new at its first weighing. Absent: it was not new, or is
   * confirmed.
   */
  readonly newAs?: string
  /**
   * Confirmed for this session alone: by a factor that can be relayed, against strong evidence, or
   * by the login of a subject who has no factor. The subject's past does not take it for confirmed.
   */
  readonly sessionOnly?: true
}

/** A context that is confirmed for its subject, not for this session alone. */
export function isConfirmed({ state, sessionOnly }: Context): boolean {
  return state === 'confirmed' && sessionOnly !== true
}

/**
 * The contexts with the last one's activity. A context that is used quietly is not written with
 * every request, but the session knows when it was used last.
 */
export function withLastSeen(
  contexts: readonly Context[],
  last: { readonly context: string; readonly at: number },
): readonly Context[] {
  return contexts.map((context) =>
    context.key === last.context && context.lastSeen < last.at
      ? { ...context, lastSeen: last.at }
      : context,
  )
}

/**
 * The contexts as of an instant. Those that have not been used for long are provisional, and their
 * visits count from the start. The very same list where none has lapsed.
 */
export function contextsAt(
  contexts: readonly Context[],
  last: { readonly context: string; readonly at: number },
  at: number,
): readonly Context[] {
  const lapsed = lapsedAt(withLastSeen(contexts, last), at)
  if (lapsed.size === 0) return contexts
  return contexts.map((context): Context => {
    if (!lapsed.has(context.key)) return context
    const { sessionOnly: _over, ...rest } = context
    return { ...rest, state: 'provisional', visits: 0 }
  })
}

const TIME_CONSTANT_MS = 30 * 60_000

/**
 * Same key, same context: a browser update keeps it, another prefix, browser family or OS does not.
 */
export function contextKey({ prefix }: Pick<Network, 'prefix'>, { family, os }: Device): string {
  return `${prefix ?? '-'}|${family}|${os}`
}

/**
 * Evidence that is left after a time: max(0, E) * exp(-dt / 30 min), rounded. It never falls below
 * zero (Page's test): quiet use must not save up credit that a thief could spend.
 */
export function decayed(context: Pick<Context, 'evidence' | 'evidenceAt'>, at: number): number {
  const elapsed = Math.max(0, at - context.evidenceAt)
  return Math.round(Math.max(0, context.evidence) * Math.exp(-elapsed / TIME_CONSTANT_MS))
}

export function findContext(contexts: readonly Context[], key: string): Context | undefined {
  return contexts.find((context) => context.key === key)
}

/**
 * The contexts of a session with this one among them. Where there is no room, the provisional one
 * that was unused longest goes, else the confirmed one, which the subject's past remembers. A
 * newcomer under challenge drives out no confirmed one. Undefined: enough others are challenged,
 * and the newcomer is refused.
 */
export function placeContext(
  contexts: readonly Context[],
  after: Context,
): readonly Context[] | undefined {
  if (contexts.some(({ key }) => key === after.key)) {
    return contexts.map((context) => (context.key === after.key ? after : context))
  }
  const inState = (state: ContextState): readonly Context[] =>
    contexts.filter((context) => context.state === state)
  const challenged = after.state === 'challenged'
  if (challenged && inState('challenged').length >= MAX_CHALLENGED) return undefined
  if (contexts.length < MAX_CONTEXTS) return [...contexts, after]
  const states: readonly ContextState[] = challenged
    ? ['provisional']
    : ['provisional', 'confirmed', 'challenged']
  const [candidates] = states.map(inState).filter(({ length }) => length > 0)
  if (candidates === undefined) return undefined
  const oldest = candidates.reduce((first, each) => (each.lastSeen < first.lastSeen ? each : first))
  return [...contexts.filter(({ key }) => key !== oldest.key), after]
}

/** Two addresses of one prefix are the same network. */
export function sameNetwork(a: Network, b: Network): boolean {
  return a.prefix === b.prefix && a.asn === b.asn
}

/** Whether nothing that can be compared has changed about a device. */
export function sameDevice(a: Device, b: Device): boolean {
  return (
    a === b ||
    (a.family === b.family &&
      a.major === b.major &&
      a.os === b.os &&
      a.mobile === b.mobile &&
      a.screen === b.screen &&
      sameZone(a.timezone, b.timezone) &&
      sameCiphers(a.tls, b.tls) !== false &&
      sameHints(a.hints, b.hints) &&
      a.languages.length === b.languages.length &&
      a.languages.every((tag, at) => tag === b.languages[at]))
  )
}

/**
 * Whether a request says nothing of a device that is not known of it. Client facts come in a
 * cookie, which may be missing: that is not new. Languages are missed, and hints where the request
 * is not partial.
 */
export function saysNothingNew(
  { device, partial = false }: Pick<Presentation, 'device' | 'partial'>,
  known: Device,
): boolean {
  if (sameDevice(device, known)) return true
  const factsLeft =
    (device.screen === null && known.screen !== null) ||
    (device.timezone === null && known.timezone !== null)
  if (!factsLeft && !partial) return false
  const silent = device.languages.length === 0 && known.languages.length > 0
  return !silent && sameDevice(completed(device, known, partial), known)
}

/**
 * The device with what an earlier request said of it and this one does not. The very same object as
 * before where nothing is new, and as here where nothing is missing. Hints are kept where `hints`
 * says so.
 */
export function completed(here: Device, before: Device, hints: boolean): Device {
  if (here.family !== before.family || here.os !== before.os) return here
  if (!lacks(here, before, hints)) return isOneDevice(here, before) ? before : here
  const kept = here.hints === null && hints ? hintsFor(here, before) : null
  const merged: Device = {
    ...here,
    mobile: kept === null ? here.mobile : before.mobile,
    languages: here.languages.length > 0 ? here.languages : before.languages,
    hints: here.hints ?? kept,
    screen: here.screen ?? before.screen,
    timezone: here.timezone ?? before.timezone,
    tls: here.tls ?? (here.major === before.major ? before.tls : null),
  }
  return isOneDevice(merged, before) ? before : merged
}

/** Whether one object can stand for both: what one knows and the other does not is kept. */
export function isOneDevice(a: Device, b: Device): boolean {
  return a.tls === b.tls && a.hints?.brand === b.hints?.brand && sameDevice(a, b)
}

function lacks(here: Device, other: Device, hints: boolean): boolean {
  return (
    (hints && here.hints === null && other.hints !== null) ||
    (here.screen === null && other.screen !== null) ||
    (here.timezone === null && other.timezone !== null) ||
    (here.languages.length === 0 && other.languages.length > 0) ||
    (here.tls === null && other.tls !== null)
  )
}

/** The hints of a device before, of the version that it has since. */
function hintsFor({ major }: Device, { hints, major: before }: Device): Device['hints'] {
  return hints !== null && hints.major === before ? { ...hints, major } : hints
}

function sameHints(a: Device['hints'], b: Device['hints']): boolean {
  if (a === null || b === null) return a === b
  return a.family === b.family && a.major === b.major && a.os === b.os && !differ(a.brand, b.brand)
}

function differ(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b
}
