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
    .map(({ network, device, state }): Known => {
      return { network, device, confirmed: state === 'confirmed', from: 'session' }
    })
  const past = history.contexts
    .filter(({ state }) => state !== 'provisional')
    .map(({ network, device, state }): Known => {
      return { network, device, confirmed: state === 'confirmed', from: 'history' }
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
