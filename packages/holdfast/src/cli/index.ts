import { initCommands } from './init.ts'
import { keysCommands } from './keys.ts'
import { MANIFEST } from './package-files.ts'
import { runCommand, type Surroundings } from './run.ts'

export { fetchUntil } from '../client/fetch-until.ts'
export { makeFolder } from '../stores/local/make-folder.ts'
export {
  type Asked,
  COMMON_OPTIONS,
  type Command,
  EXIT,
  type Option,
  type Output,
  UsageError,
} from './command.ts'
export { initCommands } from './init.ts'
export { keysCommands } from './keys.ts'
export { type Program, runCommand, type Surroundings } from './run.ts'
export { syncFolder } from './sync-folder.ts'
export { inertJson, instant, printable, table } from './table.ts'

/**
 * The command `holdfast` of the library. Where `@holdfast/service` is installed beside it, its
 * command is the one that runs, which has these, too.
 */
export function main(args: readonly string[], surroundings?: Surroundings): Promise<number> {
  const commands = [...initCommands, ...keysCommands]
  return runCommand({ commands, manifest: MANIFEST, more: OF_THE_SERVICE }, args, surroundings)
}

const OF_THE_SERVICE =
  'What runs the service or asks it ("holdfast serve" and more) comes with it: ' +
  '"npm install @holdfast/service".'
