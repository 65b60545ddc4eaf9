import {
  type Command,
  initCommands,
  keysCommands,
  runCommand,
  type Surroundings,
} from 'holdfast/cli'
import { setVariables } from '../config/environment.ts'
import { alertCommands } from './alerts.ts'
import { auditCommands } from './audit.ts'
import { auditUpkeepCommands } from './audit-upkeep.ts'
import { auditVerifyCommands } from './audit-verify.ts'
import { auditWitnessCommands } from './audit-witness.ts'
import { configCommands } from './config.ts'
import { doctorCommands } from './doctor.ts'
import { eventCommands } from './events.ts'
import { explainCommands } from './explain.ts'
import { geoCommands } from './geo.ts'
import { incidentsCommands } from './incidents.ts'
import { policyCommands } from './policy.ts'
import { reportCommands } from './report.ts'
import { resealCommands } from './reseal.ts'
import { rulesCommands } from './rules.ts'
import { searchCommands } from './search.ts'
import { serveCommands } from './serve.ts'
import { sessionsCommands } from './sessions.ts'
import { subjectsCommands } from './subjects.ts'

/** Every command, in the order of the help: those of the library, and those of the service. */
export const COMMANDS: readonly Command[] = [
  ...initCommands,
  ...serveCommands,
  ...configCommands,
  ...doctorCommands,
  ...keysCommands,
  ...resealCommands,
  ...sessionsCommands,
  ...subjectsCommands,
  ...explainCommands,
  ...eventCommands,
  ...auditCommands,
  ...auditVerifyCommands,
  ...auditUpkeepCommands,
  ...auditWitnessCommands,
  ...searchCommands,
  ...incidentsCommands,
  ...alertCommands,
  ...rulesCommands,
  ...reportCommands,
  ...policyCommands,
  ...geoCommands,
]

/** The command `holdfast` of the service. */
export function main(args: readonly string[], surroundings?: Surroundings): Promise<number> {
  const program = { commands: COMMANDS, manifest: MANIFEST, variables: setVariables }
  return runCommand(program, args, surroundings)
}

const MANIFEST = new URL('../../package.json', import.meta.url)
