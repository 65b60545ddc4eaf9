import { type Context, contextKey, findContext } from '../core/context.ts'
import type { SubjectHistory } from '../core/history.ts'
import type { Device, Network, Presentation } from '../core/request.ts'
import type { SessionState } from '../core/session.ts'

/** Something a presentation may be compared with. */
export interface Known {
  readonly network: Network
  readonly device: Device
  /** Only what is confirmed speaks for the owner. */
  readonly confirmed: boolean
  /** When it was used last, as far as the record tells. */
  readonly lastSeen: number
  readonly from: 'session' | 'history'
}

/**
 * The context that the presentation belongs to, where its novelty has been counted already. A
 * challenged context is weighed afresh each time: the page may have read its client facts again.
 */
export function settledContext(
  session: SessionState,
  { network, device }: Presentation,
): Context | undefined {
  const context = findContext(session.contexts, contextKey(network, device))
  return context?.state === 'challenged' ? undefined : context
}

/**
 * What a presentation is compared with: the session's contexts that are not challenged, then the
 * confirmed and familiar ones of the subject's history. A login that is itself challenged vouches
 * for nothing.
 */
export function knownOf(session: SessionState, history: SubjectHistory): readonly Known[] {
  const own = session.contexts
    .filter(({ state }) => state !== 'challenged')
    .map(({ key, network, device, state, lastSeen }): Known => {
      const seen = key === session.last.context ? Math.max(lastSeen, session.last.at) : lastSeen
      return { network, device, confirmed: state === 'confirmed', lastSeen: seen, from: 'session' }
    })
  const past = history.contexts
    .filter(({ state }) => state !== 'provisional')
    .map(({ network, device, state, lastSeen }): Known => {
      return { network, device, confirmed: state === 'confirmed', lastSeen, from: 'history' }
    })
  return [...own, ...past]
}

/**
 * What the session itself knows. The subject's history counts only while the session knows nothing.
 */
export function closestOf(known: readonly Known[]): readonly Known[] {
  const own = known.filter(({ from }) => from === 'session')
  return own.length > 0 ? own : known
}
