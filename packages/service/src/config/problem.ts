import { SessionError } from 'holdfast'

/** One thing that is wrong with the configuration. Never holds a value of a secret. */
export interface Problem {
  /**
   * The setting as it was written: `idleTimeout` in the file, `HOLDFAST_IDLE_TIMEOUT` in the
   * environment.
   */
  readonly field: string
  readonly problem: string
  readonly fix: string
}

/** All problems as one fault, for what cannot go on without a configuration. */
export function configError(problems: readonly Problem[]): SessionError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  const lines = problems.map(({ field, problem, fix }) => `  ${field}: ${problem}. ${fix}`)
  return new SessionError('config_invalid', `The configuration has ${count}:\n${lines.join('\n')}`)
}
