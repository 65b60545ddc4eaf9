import type { Duration } from './duration.ts'

/** How long sessions of one class may live. Milliseconds. */
export interface Lifetime {
  /** From login to the end, whatever happens in between (default 24 h). */
  readonly absoluteMs: number
  /** Longest silence (default 2 h). */
  readonly idleMs: number
  /** A cookie of this class survives the browser's end. */
  readonly persistent: boolean
}

const HOUR = 3_600_000

/** The classes that exist without configuration: `default` and `remember`. */
export const DEFAULT_LIFETIMES = {
  default: { absoluteMs: 24 * HOUR, idleMs: 2 * HOUR, persistent: false },
  remember: { absoluteMs: 30 * 24 * HOUR, idleMs: 7 * 24 * HOUR, persistent: true },
} as const satisfies Record<string, Lifetime>

/** How long sessions of one class may live, as it is written. What is left out is inherited. */
export interface ClassOptions {
  /** From login to the end, whatever happens in between. */
  readonly absolute?: Duration | undefined
  /** Longest silence. */
  readonly idle?: Duration | undefined
  /** A cookie of this class survives the browser's end. */
  readonly persistent?: boolean | undefined
}

/** A class with its durations in ms. */
interface ClassTimes {
  readonly absolute?: number | undefined
  readonly idle?: number | undefined
  readonly persistent?: boolean | undefined
}

type Classes<Times> = Readonly<Record<string, Times>>

/**
 * Lifetimes of every class and tenant. What a class leaves out is as in `default`, what a tenant
 * leaves out as in the class.
 */
export function lifetimesOf({
  idleTimeout,
  absoluteTimeout,
  classes,
  tenants,
}: {
  readonly idleTimeout: number
  readonly absoluteTimeout: number
  readonly classes: Classes<ClassTimes>
  readonly tenants: Readonly<Record<string, Classes<ClassTimes>>>
}): {
  readonly lifetimes: Classes<Lifetime>
  readonly tenants: Readonly<Record<string, Classes<Lifetime>>>
} {
  const standard: Lifetime = {
    absoluteMs: absoluteTimeout,
    idleMs: idleTimeout,
    persistent: false,
  }
  const further = mapped(classes, (times) => filled(times, standard))
  const lifetimes = { ...DEFAULT_LIFETIMES, default: standard, ...further }
  const known = new Map<string, Lifetime>(Object.entries(lifetimes))
  const ofTenants = mapped(tenants, (own) =>
    mapped(own, (times, name) => filled(times, known.get(name) ?? lifetimes.default)),
  )
  return { lifetimes, tenants: ofTenants }
}

function filled(times: ClassTimes, { absoluteMs, idleMs, persistent }: Lifetime): Lifetime {
  return {
    absoluteMs: times.absolute ?? absoluteMs,
    idleMs: times.idle ?? idleMs,
    persistent: times.persistent ?? persistent,
  }
}

function mapped<A, B>(
  values: Readonly<Record<string, A>>,
  map: (value: A, name: string) => B,
): Readonly<Record<string, B>> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, map(value, name)] as const),
  )
}

/** How often a deliverable secret rotates, unless said otherwise. */
export const DEFAULT_ROTATE_EVERY_MS = 5 * 60_000

/** A step-up has to be completed within this time after it was begun. */
export const CHALLENGE_MS = 5 * 60_000

/**
 * Activity is written this often at most: a sixtieth of the idle timeout, at least a second.
 */
export function touchInterval(idleMs: number): number {
  return Math.max(1_000, Math.floor(idleMs / 60))
}

/**
 * Both limits are exclusive: at the deadline a session is over. No last activity means idle for too
 * long: the store has dropped it.
 */
export function lifetimeVerdict(
  session: { readonly deadline: number; readonly idleMs: number },
  lastActivity: number | undefined,
  now: number,
): 'live' | 'absolute' | 'idle' {
  if (now >= session.deadline) return 'absolute'
  if (lastActivity === undefined || now - lastActivity >= session.idleMs) return 'idle'
  return 'live'
}
