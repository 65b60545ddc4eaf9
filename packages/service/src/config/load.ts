import { readFileSync } from 'node:fs'
import { SAMPLED_EVENTS } from 'holdfast/maintenance'
import { LISTED_KINDS } from 'holdfast/network'
import { nearest } from 'holdfast/wire'
import { parseDocument } from 'yaml'
import type { z } from 'zod'
import { CLASSES } from '../audit/retention.ts'
import { sentenceOf, withoutEchoes } from '../issues.ts'
import { EXAMPLE_KEY } from './api-keys.ts'
import { AUDIT_CONTRADICTIONS } from './audit-contradictions.ts'
import { CONTRADICTIONS, type ConfigCheck } from './contradictions.ts'
import { readEnvironment, setVariables } from './environment.ts'
import { exposuresOf } from './exposures.ts'
import { POLICY_FIELDS } from './policy.ts'
import { configError, type Problem } from './problem.ts'
import { type Config, exampleOf, SETTINGS, schema, settingOf, variableOf } from './schema.ts'

export interface Sources {
  /**
   * Path of the file; must exist. Without it `HOLDFAST_CONFIG`, else `holdfast.yaml` if there is
   * one.
   */
  readonly file?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

export type Loaded =
  | {
      readonly ok: true
      readonly config: Config
      readonly file: string | undefined
      /** What is open to the network, or for too long: it may be meant so. */
      readonly warnings: readonly Problem[]
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

const DEFAULT_FILE = 'holdfast.yaml'
const MAX_FILE_BYTES = 1_048_576

/**
 * Reads file and environment; a variable wins over the file. Lists every problem instead of the
 * first alone. `further` checks read what the configuration names, each when the settings that it
 * reads are valid.
 */
export function checkConfig(
  { file, env: given }: Sources,
  further: readonly ConfigCheck[] = [],
): Loaded {
  const env = setVariables(given)
  const path = file ?? env.HOLDFAST_CONFIG
  const fromFile = readFile(path ?? DEFAULT_FILE, path !== undefined)
  const fromEnv = readEnvironment(env)
  const problems = [...fromFile.problems, ...fromEnv.problems]

  const inEnvironment = new Set([...Object.keys(fromEnv.values), ...fromEnv.unreadable])
  const values = { ...fromFile.values, ...fromEnv.values }
  const parsed = schema.safeParse(values, { reportInput: true })
  const wrong = new Set(fromEnv.unreadable)
  for (const issue of withoutEchoes(parsed.error?.issues ?? [])) {
    const top = String(issue.path[0] ?? '')
    if (fromEnv.unreadable.includes(top)) continue
    wrong.add(top)
    problems.push(...describe(issue, inEnvironment.has(top) ? 'environment' : 'file'))
  }

  const config = parsed.data ?? withoutWrong(values, wrong)
  const origin = (name: string): string =>
    inEnvironment.has(name) ? nameIn('environment', name) : name
  for (const { of, problemsOf } of [...CONTRADICTIONS, ...AUDIT_CONTRADICTIONS, ...further]) {
    if (!of.some((name) => wrong.has(name))) problems.push(...problemsOf(config, origin))
  }
  return problems.length === 0
    ? {
        ok: true,
        config,
        file: fromFile.found ? (path ?? DEFAULT_FILE) : undefined,
        warnings: exposuresOf(config, origin),
      }
    : { ok: false, problems }
}

/** The valid settings, with defaults in place of the others, so that further checks can run. */
function withoutWrong(
  values: Readonly<Record<string, unknown>>,
  wrong: ReadonlySet<string>,
): Config {
  const sound = SETTINGS.filter((name) => !wrong.has(name) && values[name] !== undefined)
  return schema.parse({
    apiKeys: [EXAMPLE_KEY],
    ...Object.fromEntries(sound.map((name) => [name, values[name]])),
  })
}

/** As {@link checkConfig}, but throws `config_invalid` with all problems. */
export function loadConfig(sources: Sources): Config {
  const loaded = checkConfig(sources)
  if (!loaded.ok) throw configError(loaded.problems)
  return loaded.config
}

function readFile(
  path: string,
  demanded: boolean,
): { found: boolean; values: Record<string, unknown>; problems: readonly Problem[] } {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (!demanded && isMissing(error)) return { found: false, values: {}, problems: [] }
    return unreadable(
      path,
      'cannot be read',
      'Name a file that exists and that this user may read.',
    )
  }
  if (text.length > MAX_FILE_BYTES) {
    return unreadable(path, 'is larger than 1 MiB', 'Name the configuration file.')
  }
  const document = parseDocument(text, { uniqueKeys: true })
  const [error] = document.errors
  if (error !== undefined) {
    const line = error.linePos?.[0].line
    return unreadable(
      path,
      `is not YAML${line === undefined ? '' : ` (line ${line})`}`,
      YAML_MENDS[error.code] ?? 'Correct the line.',
    )
  }
  const values: unknown = document.toJS({ maxAliasCount: 100 })
  if (values === null || values === undefined) return { found: true, values: {}, problems: [] }
  if (typeof values !== 'object' || Array.isArray(values)) {
    return unreadable(path, 'is not a map of settings', 'Write one "name: value" a line.')
  }
  return { found: true, values: { ...values }, problems: [] }
}

const YAML_MENDS: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY:
    'Put quotes around a value with a colon at its end, or before a blank: store: "memory:"',
  DUPLICATE_KEY: 'Write each setting once.',
}

function unreadable(
  field: string,
  problem: string,
  fix: string,
): { found: boolean; values: Record<string, unknown>; problems: readonly Problem[] } {
  return { found: true, values: {}, problems: [{ field, problem, fix }] }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

type Source = 'file' | 'environment'

function describe(issue: z.core.$ZodIssue, source: Source): readonly Problem[] {
  const [top, ...below] = issue.path.map(String)
  const field = top === undefined ? '' : [nameIn(source, top), ...below].join('.')
  if (issue.code === 'unrecognized_keys') {
    const known = top === undefined ? SETTINGS : knownBelow(top)
    return issue.keys.map((key) => {
      const meant = nearest(key, known)
      return {
        field: field === '' ? key : `${field}.${key}`,
        problem: 'is not a known setting',
        fix:
          meant === undefined ? `Remove it; ${knownText(top, known)}.` : `Did you mean "${meant}"?`,
      }
    })
  }
  const name = settingOf(top)
  if (name === undefined) return [{ field, problem: sentenceOf(issue), fix: 'Correct it.' }]
  if (issue.input === undefined && below.length === 0) {
    return [
      {
        field,
        problem: 'is missing',
        fix: `Write ${exampleOf(name, 'file')} or set ${exampleOf(name, 'environment')}`,
      },
    ]
  }
  const fix = mendOf(issue) ?? `Write it like: ${exampleOf(name, source)}`
  return [{ field, problem: sentenceOf(issue), fix }]
}

/** The mend that comes with a problem, where one example does not fit all. */
function mendOf(issue: z.core.$ZodIssue): string | undefined {
  const fix: unknown = issue.code === 'custom' ? issue.params?.fix : undefined
  return typeof fix === 'string' ? fix : undefined
}

function nameIn(source: Source, name: string): string {
  const setting = settingOf(name)
  return setting === undefined || source === 'file' ? name : variableOf(setting)
}

function knownBelow(top: string): readonly string[] {
  if (top === 'apiKeys') return ['name', 'roles', 'digest', 'audiences']
  if (['policy', 'tenantPolicies', 'shadowPolicy'].includes(top)) return POLICY_FIELDS
  if (top === 'networks') return LISTED_KINDS
  if (top === 'guessLimit' || top === 'callerGuessLimit') return ['burst', 'perMinute']
  if (top === 'audiences') return ['algorithm', 'lifetime']
  if (top === 'auditKeep') return ['default', ...CLASSES]
  if (top === 'eventSampling') return SAMPLED_EVENTS
  return ['absolute', 'idle', 'persistent']
}

/** What has few names lists them; of the others the reference tells. */
function knownText(top: string | undefined, known: readonly string[]): string {
  return top === 'auditKeep' || top === 'eventSampling'
    ? `known are ${known.join(', ')}`
    : '"holdfast config reference" lists all'
}
