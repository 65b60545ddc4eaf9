import type { ThiefRequest } from '../attackers.ts'
import type { Person } from '../people.ts'
import type { DataAt } from '../pools.ts'
import type { Request } from '../timeline.ts'

/**
 * - `ok`: served, with nothing asked.
 * - `asked`: a step-up came first; a rightful user passes it.
 * - `gated`: the same, only because the route is sensitive and the network not confirmed.
 * - `refused`: not served, and no step-up would help now.
 * - `ended`: the session is over.
 */
export type Answer = 'ok' | 'asked' | 'gated' | 'refused' | 'ended'

export interface Verdict {
  readonly answer: Answer
  /** Decibans, where an engine has them. */
  readonly score?: number
  readonly because?: readonly { readonly reason: string; readonly weight: number }[]
}

/** What a thief took from a device. */
export type Loot = unknown

/**
 * What a thief who knows everything can ask: how a presentation would be judged, before it is sent.
 */
export interface Oracle {
  judge(request: ThiefRequest): Verdict
}

/** One person's sessions, one a device, under the protection of one engine. */
export interface Guard {
  /**
   * A rightful request. Whoever is asked passes the step-up; whose session is over logs in again.
   */
  owner(request: Request): Verdict | Promise<Verdict>
  steal(device: number): Loot
  /** A thief cannot pass a step-up; what a response sets is the thief's from then on. */
  thief(loot: Loot, request: ThiefRequest, device: number): Verdict | Promise<Verdict>
  /** The login itself is proxied: a session that only the thief ever uses. */
  phish(request: ThiefRequest): (Loot & object) | undefined | Promise<(Loot & object) | undefined>
  /** The state that this loot opens at an instant; undefined: it opens nothing any more. */
  oracle?(loot: Loot, request: ThiefRequest, device: number): Promise<Oracle | undefined>
  /** The same state, from which another future may follow. */
  clone(): Guard | Promise<Guard>
}

/** Something that guards sessions, as a user of the library or of the rule would have it. */
export interface Engine {
  readonly name: string
  guard(person: Person, options: GuardOptions): Guard
}

export interface GuardOptions {
  readonly data: DataAt
  /** Ms from the start of the world: what `Date.now()` is to the engine. */
  readonly clock: Clock
}

export interface Clock {
  at: number
}
