import { readFileSync } from 'node:fs'
import { nearest } from 'holdfast/wire'
import { parse as parseYaml } from 'yaml'
import { parseApiKeys } from './api-keys.ts'
import type { Problem } from './problem.ts'
import { exampleOf, factsOf, SETTINGS, type SettingName, variableOf } from './schema.ts'

/**
 * Variables that are not settings of the service: where its file is, and what the remote commands
 * use.
 */
const OTHER_VARIABLES = ['HOLDFAST_CONFIG', 'HOLDFAST_URL', 'HOLDFAST_KEY', 'HOLDFAST_KEY_FILE']

const PREFIX = 'HOLDFAST_'

/** The names and values that Kubernetes gives a container for each Service beside it. */
const OF_A_SERVICE: readonly (readonly [name: RegExp, value: RegExp])[] = [
  [/_SERVICE_HOST$/, /^[\da-f.:]+$/i],
  [/_SERVICE_PORT(?:_[A-Z\d_]+)?$/, /^\d{1,5}$/],
  [/_PORT(?:_\d{1,5}_(?:TCP|UDP|SCTP))?$/, /^(?:tcp|udp|sctp):\/\//],
  [/_PORT_\d{1,5}_(?:TCP|UDP|SCTP)_PROTO$/, /^(?:tcp|udp|sctp)$/],
  [/_PORT_\d{1,5}_(?:TCP|UDP|SCTP)_PORT$/, /^\d{1,5}$/],
  [/_PORT_\d{1,5}_(?:TCP|UDP|SCTP)_ADDR$/, /^[\da-f.:]+$/i],
]

/**
 * The variables that somebody has set: an empty one says nothing, and neither do those that
 * Kubernetes writes for a Service whose name begins with `holdfast`.
 */
export function setVariables(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const set: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || value === undefined || value === '') continue
    if (!OF_A_SERVICE.some(([names, values]) => names.test(name) && values.test(value)))
      set[name] = value
  }
  return set
}

export interface Environment {
  /** Raw values by setting, for the schema to judge. */
  readonly values: Readonly<Record<string, unknown>>
  /** Settings whose text could not even be read; their problem is among the problems. */
  readonly unreadable: readonly string[]
  readonly problems: readonly Problem[]
}

/**
 * Reads the variables of {@link setVariables}. An unknown one is a problem: a misspelt setting must
 * not be ignored.
 */
export function readEnvironment(env: Readonly<Record<string, string>>): Environment {
  const values: Record<string, unknown> = {}
  const unreadable: string[] = []
  const problems: Problem[] = []

  for (const name of SETTINGS) {
    const text = textOf(name, env, problems)
    if (text === undefined) continue
    const read = readText(name, text)
    if ('problems' in read) {
      unreadable.push(name)
      for (const problem of read.problems) {
        problems.push({
          field: variableOf(name),
          problem,
          fix: `Write it like: ${exampleOf(name, 'environment')}`,
        })
      }
    } else values[name] = read.value
  }
  return { values, unreadable, problems: [...problems, ...unknownVariables(env)] }
}

/** A variable's text, or that of the file it names when the setting is a secret. */
function textOf(
  name: SettingName,
  env: Readonly<Record<string, string>>,
  problems: Problem[],
): string | undefined {
  const variable = variableOf(name)
  const text = env[variable]
  const path = factsOf(name).secret ? env[`${variable}_FILE`] : undefined
  if (path === undefined) return text
  if (text !== undefined) {
    problems.push({
      field: `${variable}_FILE`,
      problem: `is set beside ${variable}`,
      fix: 'Set one of the two.',
    })
    return undefined
  }
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    problems.push({
      field: `${variable}_FILE`,
      problem: 'names a file that cannot be read',
      fix: 'Name a file that exists and that this user may read.',
    })
    return undefined
  }
}

function readText(
  name: SettingName,
  text: string,
): { readonly value: unknown } | { readonly problems: readonly string[] } {
  switch (factsOf(name).reading) {
    case 'text':
      return { value: text }
    case 'number':
      return /^\d{1,15}$/.test(text)
        ? { value: Number(text) }
        : { problems: ['is not a whole number'] }
    case 'list':
      return {
        value: text
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      }
    case 'keys': {
      const { keys, problems } = parseApiKeys(text)
      return problems.length === 0 ? { value: keys } : { problems }
    }
    case 'yaml':
      try {
        return { value: parseYaml(text) }
      } catch {
        return { problems: ['is not YAML in one line'] }
      }
  }
}

function unknownVariables(env: Readonly<Record<string, string>>): readonly Problem[] {
  const known = [
    ...SETTINGS.flatMap((name) =>
      factsOf(name).secret ? [variableOf(name), `${variableOf(name)}_FILE`] : [variableOf(name)],
    ),
    ...OTHER_VARIABLES,
  ]
  return Object.keys(env)
    .filter((variable) => !known.includes(variable))
    .map((variable) => {
      const meant = nearest(
        variable.slice(PREFIX.length),
        known.map((name) => name.slice(PREFIX.length)),
      )
      return {
        field: variable,
        problem: 'is not a known variable',
        fix: meant === undefined ? 'Unset it.' : `Did you mean "${PREFIX}${meant}"?`,
      }
    })
}
