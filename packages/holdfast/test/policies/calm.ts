import type { Situation } from '../../src/core/decision.ts'

/** Nothing about route or context calls for anything. */
export const calm: Situation = {
  sensitivity: 'normal',
  reading: true,
  context: 'confirmed',
  networkConfirmed: true,
  missing: [],
  forked: false,
  canStepUp: true,
  signalFailed: false,
  prompts: 0,
  contradiction: null,
}
