import { createRequire } from 'node:module'

const fastCheck = createRequire(import.meta.url)('fast-check')

/** A property runs once a mutant: a few examples, and the same ones each time. */
const EXAMPLES = 30
const SEED = 20

function bounded(parameters = {}) {
  return { ...parameters, numRuns: Math.min(parameters.numRuns ?? EXAMPLES, EXAMPLES), seed: SEED }
}

export default {
  ...fastCheck,
  assert: (property, parameters) => fastCheck.assert(property, bounded(parameters)),
}
