import type { Context } from './context.ts'
import { contextKey, findContext } from './context.ts'
import type { Device, Network, Presentation } from './request.ts'
import type { SessionState, SwitchBack } from './session.ts'

/** Coming back within this time is worth noting. */
const ALTERNATION_MS = 600_000

/**
 * A request that was on its way when the context changed is no return. Clocks of two gateways
 * differ by 2 s either way.
 */
const SKEW_MS = 5_000

/** Most returns that are kept of a session. */
const MAX_SWITCH_BACKS = 8

/**
 * Two returns of one pair to one side say all that the pair can say. More of them within the window
 * are not written.
 */
const ENOUGH = 2

/** A place and what uses the session there. */
export interface Client {
  readonly network: Network
  readonly device: Device
}

/** A return to a client that had been used moments before, from another one. */
export interface Alternation {
  readonly here: Client
  readonly from: Client
  /**
   * Earlier returns of the pair within the window, oldest first, and whether they led here, too.
   */
  readonly earlier: readonly { readonly here: boolean }[]
  readonly switchBack: SwitchBack
}

/**
 * A return of this presentation to a client that the session left moments ago. One provider is one
 * place, whatever addresses it gives out (IPv4 and IPv6, carrier-grade NAT), and all relays are one
 * place. A place with an unknown provider differs from none. Undefined: no return, or one of a pair
 * that has said enough.
 */
export function alternationOf(
  { contexts, last, switchBacks }: SessionState,
  presentation: Presentation,
): Alternation | undefined {
  const { at, network, device } = presentation
  const here: Client = { network, device }
  const key = contextKey(network, device)
  if (findContext(contexts, key)?.state === 'challenged' || !areTwo(here, last)) return undefined

  const left = contexts
    .filter((context) => isUsed(context) && areOne(context, here))
    .reduce((latest, { lastSeen }) => Math.max(latest, lastSeen), Number.NEGATIVE_INFINITY)
  // A refused context was not used, so it does not count as having been elsewhere.
  if (wasOnItsWay(last, at) || at - left >= ALTERNATION_MS || last.at < left) return undefined

  const earlier = switchBacks.flatMap((each) => {
    const [from, to] = [findContext(contexts, each.from), findContext(contexts, each.to)]
    if (from === undefined || to === undefined) return []
    if (Math.abs(at - each.at) >= ALTERNATION_MS) return []
    if (areOne(to, here) && areOne(from, last)) return [{ here: true }]
    return areOne(from, here) && areOne(to, last) ? [{ here: false }] : []
  })
  if (earlier.filter(({ here }) => here).length >= ENOUGH) return undefined
  return { here, from: last, earlier, switchBack: { at, from: last.context, to: key } }
}

/**
 * Whether a request may have been on its way when the session was used elsewhere. Such a request is
 * neither a return nor a move. When the earlier place was last used is not known, because quiet use
 * is not written: only when the session moved away from it is.
 */
export function wasOnItsWay(last: SessionState['last'], at: number): boolean {
  return at - last.at < SKEW_MS
}

/** The returns of a session with this one among them. */
export function withSwitchBack(
  switchBacks: readonly SwitchBack[],
  switchBack: SwitchBack,
): readonly SwitchBack[] {
  return [...switchBacks, switchBack].slice(-MAX_SWITCH_BACKS)
}

/** The same browser and system at the same provider, or through any relay. */
export function areOne(a: Client, b: Client): boolean {
  return (
    a.device.family === b.device.family && a.device.os === b.device.os && inOnePlace(a, b) === true
  )
}

/** Whether two clients are known to differ. What either side does not say makes no difference. */
function areTwo(a: Client, b: Client): boolean {
  const place = inOnePlace(a, b)
  if (place === undefined) return false
  return !place || differ(a.device.family, b.device.family) || differ(a.device.os, b.device.os)
}

/**
 * Undefined: a provider is not known.
 */
function inOnePlace({ network: a }: Client, { network: b }: Client): boolean | undefined {
  if (a.kind === 'relay' && b.kind === 'relay') return true
  if (a.asn === null || b.asn === null) return undefined
  return a.asn === b.asn && (a.kind === 'relay') === (b.kind === 'relay')
}

function differ<T extends string>(a: T | 'unknown', b: T | 'unknown'): boolean {
  return a !== 'unknown' && b !== 'unknown' && a !== b
}

/** A refused context was not used. */
function isUsed({ state }: Context): boolean {
  return state !== 'challenged'
}
