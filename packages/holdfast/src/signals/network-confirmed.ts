import { contextKey } from '../core/context.ts'
import type { SubjectHistory } from '../core/history.ts'
import type { Presentation } from '../core/request.ts'
import type { SessionState } from '../core/session.ts'

/**
 * Whether the subject has confirmed this network, here or in an earlier session: the same provider,
 * or the same prefix where a provider is not known. An unknown network counts where this very
 * context was confirmed. Otherwise nobody whose address cannot be established could ever pass.
 */
export function networkConfirmed(
  session: SessionState,
  { network, device }: Presentation,
  history: SubjectHistory,
): boolean {
  return [...session.contexts, ...history.contexts].some(
    (context) =>
      context.state === 'confirmed' &&
      (context.key === contextKey(network, device) ||
        (network.asn !== null && context.network.asn !== null
          ? context.network.asn === network.asn
          : network.prefix !== null && context.network.prefix === network.prefix)),
  )
}
