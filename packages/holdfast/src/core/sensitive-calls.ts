import { contextKey, sameDevice } from './context.ts'
import type { EventNetwork, SessionEvent } from './events.ts'
import type { Device, Network, Presentation } from './request.ts'
import type { SessionState } from './session.ts'

/** Methods that are told; every other one is `other`. Their numbers are stored: append only. */
export const CALL_METHODS = ['other', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

export type CallMethod = (typeof CALL_METHODS)[number]

/** A call of a sensitive route that was served, as the record keeps it. */
export interface KeptCall {
  readonly at: number
  readonly method: CallMethod
  readonly network: Network
  readonly device: Device
}

/** A call of a sensitive route that was served while two may have held the session. */
export interface SensitiveCall {
  /** UTC, ms. Calls that repeat each other within ten seconds are told once. */
  readonly at: number
  readonly method: CallMethod
  /** No address and no prefix. */
  readonly network: EventNetwork
  readonly device: NonNullable<SessionEvent['device']>
  /** It came from the place and browser that has passed the step-up. */
  readonly here: boolean
}

/** As many as an owner reads through, and a record has room for. */
const MAX_CALLS = 16

/** A page with many sensitive calls is not written with each of them. */
const REPEATED_MS = 10_000

/** The session with a sensitive call noted. The very same object where the call repeats another. */
export function withSensitiveCall(
  session: SessionState,
  { at, method: given, network, device }: Presentation,
): SessionState {
  const method = CALL_METHODS.find((one) => one === given) ?? 'other'
  const calls = session.calls ?? []
  const repeats = calls.some(
    (call) =>
      at - call.at < REPEATED_MS &&
      call.method === method &&
      call.network.address === network.address &&
      sameDevice(call.device, device),
  )
  if (repeats) return session
  return { ...session, calls: [...calls, { at, method, network, device }].slice(-MAX_CALLS) }
}

/** The sensitive calls of a time, newest first, as who has passed a step-up is told them. */
export function callsBetween(
  { calls = [] }: SessionState,
  {
    since,
    until,
    context,
  }: { readonly since: number; readonly until: number; readonly context: string },
): readonly SensitiveCall[] {
  return calls
    .filter(({ at }) => at >= since && at <= until)
    .map(({ at, method, network, device }): SensitiveCall => {
      const { asn, organisation, kind, country, city } = network
      const { family, major, os } = device
      return {
        at,
        method,
        network: { asn, organisation, kind, country, city },
        device: { family, major, os },
        here: contextKey(network, device) === context,
      }
    })
    .reverse()
}
