import type { Signal } from '../core/signal.ts'
import { evidenceOf } from './reasons.ts'
import { WEIGHTS } from './weights.ts'

/**
 * Group R: rotation has proven two holders of one secret, and neither has passed a step-up since.
 */
export function fork(): Signal {
  return (session, presentation) => {
    if (session.fork === null) return []
    const minutes = Math.max(0, Math.round((presentation.at - session.fork.at) / 60_000))
    return [evidenceOf('secret_forked', WEIGHTS.secret_forked, { minutes })]
  }
}
