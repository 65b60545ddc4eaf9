import type { Request } from 'express'
import type { RemoteSessions } from 'holdfast/client'
import { cookie, type ExpressHoldfast } from 'holdfast/express'
import type { FactorStore, HeldForms, StepUp } from 'holdfast/step-up'
import { PHONE_COOKIE, type Phones } from '../demo/phones.ts'
import { findHome, HOMES, type Home, PLACES, type Place } from '../demo/places.ts'
import { readCookie } from '../edge/cookies.ts'
import type { Frame, Visitor } from '../pages/layout.ts'
import type { Operator } from '../sees/operator.ts'
import type { Directory, User } from '../users/directory.ts'

/** The shop has one tenant: Holdfast's own. */
export const TENANT = 'default'

/** For what matters most, the owner has to have proved something within this time. */
export const FRESH_MS = 10 * 60_000

/** What the gateway's routes share. */
export interface GatewayParts {
  readonly guard: ExpressHoldfast
  readonly sessions: RemoteSessions
  readonly operator: Operator
  readonly users: Directory
  readonly phones: Phones
  readonly factors: StepUp
  /** For the demo phone alone: it shows when its code is used. */
  readonly factorStore: FactorStore
  readonly forms: HeldForms
  readonly now: () => number
  readonly stop: AbortSignal
}

/**
 * Who the verified session belongs to. Throws when the directory has lost them: a bug, not a
 * visitor's doing.
 */
export function userOf({ guard, users }: GatewayParts, request: Request): User {
  const user = users.find(guard.sessionOf(request).subject)
  if (user === undefined) throw new Error('a session of a user who is not in the directory')
  return user
}

export function visitorOf(parts: GatewayParts, request: Request): Visitor {
  return { name: userOf(parts, request).name, formToken: parts.guard.formToken(request) }
}

/** Whose demo phone lies beside this browser. */
export function phoneOwner({ phones }: GatewayParts, request: Request): User | undefined {
  return phones.owner(readCookie(request.headers.cookie ?? '', PHONE_COOKIE))
}

/** The frame of a page for a session that has not passed, or for nobody. */
export function frameOf(parts: Pick<GatewayParts, 'guard'>, request: Request): Frame {
  const carried = cookie().read((name) => request.headers[name])
  return { place: placeOf(parts, request), carriesSession: carried.ok }
}

/** Where the edge says that the request comes from. */
export function placeOf(
  { guard }: Pick<GatewayParts, 'guard'>,
  request: Request,
): Place | undefined {
  const { ip } = guard.requestFacts(request)
  return PLACES.find(({ address }) => address === ip)
}

/** The home that the request comes from; the first one when it comes from elsewhere. */
export function homeOf(parts: GatewayParts, request: Request): Home {
  const home = findHome(placeOf(parts, request)?.id) ?? HOMES[0]
  if (home === undefined) throw new TypeError('there are no homes')
  return home
}

/** A text field of a parsed body or query; empty when it is missing, repeated or no text. */
export function fieldOf(from: unknown, name: string): string {
  if (typeof from !== 'object' || from === null || !Object.hasOwn(from, name)) return ''
  const value = (from as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : ''
}
