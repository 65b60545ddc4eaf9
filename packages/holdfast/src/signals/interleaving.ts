import { contextKey, findContext } from '../core/context.ts'
import type { Evidence } from '../core/evidence.ts'
import type { SubjectHistory } from '../core/history.ts'
import type { NetworkKind } from '../core/request.ts'
import type { SessionState } from '../core/session.ts'
import type { Signal } from '../core/signal.ts'
import { type Alternation, alternationOf, areOne, type Client } from '../core/switch-backs.ts'
import { isZoneOf } from '../core/time-zones.ts'
import { evidenceOf } from './reasons.ts'
import { INTERLEAVED, MOST } from './weights.ts'

/** A part of an owner's requests may leave through such a network, while the rest stays at home. */
const TUNNELS: ReadonlySet<NetworkKind> = new Set(['vpn', 'hosting', 'tor', 'corporate'])

/**
 * A telephone changes between these networks and a fixed line by itself. A network of unknown kind
 * may be one of them.
 */
const ROAMED: ReadonlySet<NetworkKind> = new Set(['mobile', 'satellite', 'unknown'])

/**
 * Group C: two clients take turns on one session. One return within ten minutes may be a walk home.
 * More returns are two holders. The side that nobody has confirmed is accused. Where neither is
 * confirmed, the newcomer is. A thief who takes turns with the owner therefore does not get the
 * owner's place challenged.
 */
export function interleaving(): Signal {
  return (session, presentation, history) => {
    const { network, device } = presentation
    const context = findContext(session.contexts, contextKey(network, device))
    // Other client facts do not make one holder of two. Only a step-up clears a challenged context.
    if (context?.state === 'challenged') {
      const weight = Math.min(accused(context.because), MOST)
      return weight > 0
        ? [describe('interleaved', weight, { here: context, from: session.last })]
        : []
    }
    const alternation = alternationOf(session, presentation)
    if (alternation === undefined) return []
    const { here, from, earlier } = alternation
    const trust = {
      here: standingOf(here, session, history),
      from: standingOf(from, session, history),
    }
    if (isSpared(trust)) return []

    const pair = pairOf(alternation, trust)
    const roams = pair === 'unrelated' && isOneHand(alternation, homeCountry(session, history))
    const [once, again] = INTERLEAVED[roams ? 'handover' : pair]
    const repeated = earlier.length > 0
    const weight = (repeated ? again : once) - counted(earlier, { once, again })
    return weight > 0
      ? [describe(repeated ? 'interleaved' : 'switched_back', weight, alternation)]
      : []
  }
}

/** What is known about one side of an alternation. */
interface Standing {
  readonly confirmed: boolean
  readonly since: number
}

function standingOf(client: Client, session: SessionState, history: SubjectHistory): Standing {
  const own = [...session.contexts, ...history.contexts].filter((known) => areOne(known, client))
  return {
    confirmed: own.some(({ state }) => state === 'confirmed'),
    since: own.reduce(
      (first, { firstSeen }) => Math.min(first, firstSeen),
      Number.POSITIVE_INFINITY,
    ),
  }
}

/** Of two confirmed sides either may be accused: there the weights are small. */
function isSpared({ here, from }: { readonly here: Standing; readonly from: Standing }): boolean {
  if (here.confirmed) return !from.confirmed
  return !from.confirmed && here.since < from.since
}

/** The weight that earlier returns of the pair have put on this side within the window. */
function counted(
  earlier: Alternation['earlier'],
  { once, again }: { readonly once: number; readonly again: number },
): number {
  const first = earlier.findIndex(({ here }) => here)
  if (first === -1) return 0
  const more = first > 0 || earlier.slice(1).some(({ here }) => here)
  return more ? again : once
}

function pairOf(
  { here, from }: Alternation,
  trust: { readonly here: Standing; readonly from: Standing },
): keyof typeof INTERLEAVED {
  const [a, b] = [here.network, from.network]
  if (a.kind === 'relay' || b.kind === 'relay') return 'relay'
  if (a.asn === b.asn) return 'provider'
  if (trust.here.confirmed && trust.from.confirmed) return 'confirmed'
  const tunnel =
    (trust.here.confirmed && TUNNELS.has(a.kind)) || (trust.from.confirmed && TUNNELS.has(b.kind))
  if (tunnel) return 'confirmed'
  if (a.kind === 'mobile' || b.kind === 'mobile') return 'handover'
  const abroad = a.country !== null && b.country !== null && a.country !== b.country
  return !abroad && (ROAMED.has(a.kind) || ROAMED.has(b.kind)) ? 'handover' : 'unrelated'
}

/** The country of the place that has been confirmed for the longest time. */
function homeCountry(session: SessionState, history: SubjectHistory): string | null {
  let first = Number.POSITIVE_INFINITY
  let country: string | null = null
  for (const known of [...session.contexts, ...history.contexts]) {
    if (known.state !== 'confirmed' || known.network.country === null) continue
    if (known.firstSeen >= first) continue
    first = known.firstSeen
    country = known.network.country
  }
  return country
}

/**
 * Whether one traveller changes between two cards: a Wi-Fi abroad, and a carrier at home or in a
 * third country through which the telephone roams. Its clock keeps the time of the Wi-Fi on the
 * carrier's side, too. A copy of the browser abroad keeps the owner's time as well, but that is the
 * time of home.
 */
function isOneHand({ here, from }: Alternation, home: string | null): boolean {
  const roams = (card: Client, wifi: Client): boolean =>
    ROAMED.has(card.network.kind) &&
    wifi.network.country !== home &&
    isZoneOf(card.device.timezone, wifi.network.country) === true &&
    isZoneOf(card.device.timezone, card.network.country) === false
  const oneDevice = here.device.family === from.device.family && here.device.os === from.device.os
  return home !== null && oneDevice && (roams(here, from) || roams(from, here))
}

function accused(because: readonly Pick<Evidence, 'group' | 'weight'>[]): number {
  return because.reduce((sum, { group, weight }) => (group === 'C' ? sum + weight : sum), 0)
}

function describe(
  reason: 'switched_back' | 'interleaved',
  weight: number,
  { here, from }: { readonly here: Client; readonly from: Client },
): Evidence {
  return evidenceOf(reason, weight, { here: nameOf(here), other: nameOf(from) })
}

/** Names a client for people, without its address or prefix. */
function nameOf({ network: { asn, country }, device: { family, os } }: Client): string {
  const provider = asn === null ? 'an unknown provider' : `AS${asn}`
  return `${family} on ${os} at ${provider}${country === null ? '' : `, ${country}`}`
}
