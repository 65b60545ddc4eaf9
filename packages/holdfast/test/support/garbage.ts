import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** Collects all that nothing refers to. */
export const collectGarbage: () => void = runInNewContext('gc')
