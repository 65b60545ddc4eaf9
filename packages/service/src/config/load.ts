import { readFileSync } from 'node:fs'
import type { Lifetime } from 'holdfast'
import { clientAddressResolver } from 'holdfast/network'
import { parseDocument } from 'yaml'
import type { z } from 'zod'
import { formatDuration } from './duration.ts'
import { readEnvironment } from './environment.ts'
import { lifetimesOf } from './lifetimes.ts'
import { nearest } from './nearest.ts'
import { configError, type Problem } from './problem.ts'
import { type Config, factsOf, SETTINGS, type SettingName, schema, variableOf } from './schema.ts'

export interface Sources {
  /** Path of the file; must exist. Without it `HOLDFAST_CONFIG`, else `holdfast.yaml` if there is one. */
  readonly file?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly file: string | undefined }
  | { readonly ok: false; readonly problems: readonly Problem[] }

const DEFAULT_FILE = 'holdfast.yaml'
const MAX_FILE_BYTES = 1_048_576

/** Reads file and environment; a variable wins over the file. Lists every problem at once instead of the first. */
export function checkConfig({ file, env }: Sources): Loaded {
  const path = file ?? env.HOLDFAST_CONFIG
  const fromFile = readFile(path ?? DEFAULT_FILE, path !== undefined)
  const fromEnv = readEnvironment(env)
  const problems = [...fromFile.problems, ...fromEnv.problems]

  const origin = (name: string): string => (name in fromEnv.values ? variableName(name) : name)
  const parsed = schema.safeParse({ ...fromFile.values, ...fromEnv.values }, { reportInput: true })
  const unreadable = new Set(fromEnv.unreadable)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      if (!unreadable.has(String(issue.path[0]))) problems.push(...describe(issue, origin))
    }
  } else {
    problems.push(...contradictions(parsed.data, origin))
    if (problems.length === 0) {
      return {
        ok: true,
        config: parsed.data,
        file: fromFile.found ? (path ?? DEFAULT_FILE) : undefined,
      }
    }
  }
  return { ok: false, problems }
}

/** As {@link checkConfig}, but throws `config_invalid` with all problems. */
export function loadConfig(sources: Sources): Config {
  const loaded = checkConfig(sources)
  if (!loaded.ok) throw configError(loaded.problems)
  return loaded.config
}

/** What no single setting can say of itself. */
function contradictions(config: Config, origin: (name: string) => string): readonly Problem[] {
  const problems: Problem[] = []
  const { lifetimes, tenants } = lifetimesOf(config)
  const all = [
    ...classesOf(lifetimes, (name) =>
      name === 'default' ? origin('idleTimeout') : `${origin('classes')}.${name}`,
    ),
    ...Object.entries(tenants).flatMap(([tenant, classes]) =>
      classesOf(classes, (name) => `${origin('tenants')}.${tenant}.${name}`),
    ),
  ]
  for (const { field, idleMs, absoluteMs } of all) {
    if (idleMs <= absoluteMs) continue
    problems.push({
      field,
      problem: `has an idle timeout (${formatDuration(idleMs)}) beyond its absolute one (${formatDuration(absoluteMs)})`,
      mend: 'Shorten the idle timeout or lengthen the absolute one.',
    })
  }
  if ('default' in config.classes) {
    problems.push({
      field: `${origin('classes')}.default`,
      problem: 'is set by idleTimeout and absoluteTimeout',
      mend: 'Remove it here and set those two.',
    })
  }
  try {
    clientAddressResolver({ trust: { proxies: config.trustedProxies } })
  } catch {
    problems.push({
      field: origin('trustedProxies'),
      problem: 'has an entry that is neither an address nor a prefix',
      mend: mendOf('trustedProxies'),
    })
  }
  const names = config.apiKeys.map(({ name }) => name)
  if (new Set(names).size !== names.length) {
    problems.push({
      field: origin('apiKeys'),
      problem: 'has one name twice',
      mend: 'Give every key a name of its own.',
    })
  }
  if (config.store.kind === 'redis' && config.keyring === undefined) {
    problems.push({
      field: origin('keyring'),
      problem: 'is missing, and sessions in Redis cannot be shared without one',
      mend: 'Make one with "holdfast keys new FILE" and name the file here.',
    })
  }
  return problems
}

function classesOf(
  classes: Readonly<Record<string, Lifetime>>,
  fieldOf: (name: string) => string,
): readonly (Lifetime & { readonly field: string })[] {
  return Object.entries(classes).map(([name, life]) => ({ ...life, field: fieldOf(name) }))
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
      'Correct the line.',
    )
  }
  const values: unknown = document.toJS({ maxAliasCount: 100 })
  if (values === null || values === undefined) return { found: true, values: {}, problems: [] }
  if (typeof values !== 'object' || Array.isArray(values)) {
    return unreadable(path, 'is not a map of settings', 'Write one "name: value" a line.')
  }
  return { found: true, values: { ...values }, problems: [] }
}

function unreadable(
  field: string,
  problem: string,
  mend: string,
): { found: boolean; values: Record<string, unknown>; problems: readonly Problem[] } {
  return { found: true, values: {}, problems: [{ field, problem, mend }] }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function describe(issue: z.core.$ZodIssue, origin: (name: string) => string): readonly Problem[] {
  const [top, ...below] = issue.path.map(String)
  const field = top === undefined ? '' : [origin(top), ...below].join('.')
  if (issue.code === 'unrecognized_keys') {
    const known = top === undefined ? SETTINGS : knownBelow(top)
    return issue.keys.map((key) => {
      const meant = nearest(key, known)
      return {
        field: field === '' ? key : `${field}.${key}`,
        problem: 'is not a known setting',
        mend:
          meant === undefined
            ? 'Remove it; "holdfast config reference" lists all.'
            : `Did you mean "${meant}"?`,
      }
    })
  }
  const name = SETTINGS.find((setting) => setting === top)
  const missing =
    issue.code === 'invalid_type' && issue.path.length === 1 && issue.input === undefined
  return [
    {
      field: missing && name !== undefined ? name : field,
      problem: missing ? 'is missing' : sentence(issue),
      mend: name === undefined ? 'Correct it.' : mendOf(name),
    },
  ]
}

function mendOf(name: SettingName): string {
  return `Write it like: ${name}: ${factsOf(name).example} (${variableOf(name)}).`
}

/** What was wrong, without the value: it may be a secret in the wrong place. */
function sentence(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'custom':
      return issue.message
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`
    case 'invalid_type':
      return `must be ${issue.expected === 'array' ? 'a list' : `a ${issue.expected}`}`
    case 'too_small':
      return `must be at least ${issue.minimum}${issue.origin === 'array' ? ' entries long' : ''}`
    case 'too_big':
      return `must be at most ${issue.maximum}${issue.origin === 'array' ? ' entries long' : ''}`
    default:
      return issue.message
  }
}

function knownBelow(top: string): readonly string[] {
  if (top === 'apiKeys') return ['name', 'roles', 'digest']
  return ['absolute', 'idle', 'persistent']
}

function variableName(name: string): string {
  const setting = SETTINGS.find((one) => one === name)
  return setting === undefined ? name : variableOf(setting)
}
