import type { Signal } from '../core/signal.ts'
import { behaviour } from './behaviour.ts'
import { device } from './device.ts'
import { fork } from './fork.ts'
import { interleaving } from './interleaving.ts'
import { network } from './network.ts'

export { timed } from './timed.ts'

/**
 * The signals that every installation starts with: network, place and clock; device; two clients
 * that take turns; behaviour; fork.
 */
export function starterSignals(): readonly Signal[] {
  return [network(), device(), interleaving(), behaviour(), fork()]
}
