import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SessionError } from 'holdfast'
import { LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { sentenceOf, withoutEchoes } from '../../issues.ts'
import { type Rule, rulesFile } from './rule.ts'

/** The rules that the package brings. */
export const DEFAULT_RULES = fileURLToPath(new URL('../../../data/rules.yaml', import.meta.url))

/** One thing that is wrong with a file of rules. */
export interface RuleProblem {
  /** As in `rules.3.window`; empty for the file itself. */
  readonly field: string
  readonly line: number
  readonly problem: string
}

export type ReadRules =
  | { readonly ok: true; readonly rules: readonly Rule[] }
  | { readonly ok: false; readonly problems: readonly RuleProblem[] }

const MOST_CHARACTERS = 1_048_576
const MOST_PROBLEMS = 20
/** Anchors that are repeated in one another could make a small file a large value. */
const MOST_ALIASES = 0

/** Reads a text of rules. Says everything that is wrong with it, and where. */
export function readRules(text: string): ReadRules {
  if (text.length > MOST_CHARACTERS) return refused([{ ...FILE, problem: 'is larger than 1 MiB' }])
  const lines = new LineCounter()
  const document = parseDocument(text, { uniqueKeys: true, lineCounter: lines })
  const [error] = document.errors
  if (error !== undefined) {
    return refused([{ ...FILE, line: lines.linePos(error.pos[0]).line, problem: 'is not YAML' }])
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: MOST_ALIASES })
  } catch {
    return refused([{ ...FILE, problem: 'has an anchor that is used again. Write it out' }])
  }
  const read = rulesFile.safeParse(value)
  if (read.success) return { ok: true, rules: read.data.rules }
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length > 0; length--) {
      const node: unknown = document.getIn(path.slice(0, length), true)
      if (isPlaced(node)) return lines.linePos(node.range[0]).line
    }
    return 1
  }
  return refused(
    withoutEchoes(read.error.issues)
      .flatMap(problemsOf)
      .map(({ path, problem }) => ({ field: path.join('.'), line: lineOf(path), problem })),
  )
}

/** As {@link readRules}, of a file. Throws `config_invalid` with all problems. */
export function rulesIn(path: string): readonly Rule[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SessionError('config_invalid', `${path} cannot be read.`, { cause })
  }
  return rulesOf(text, path)
}

/** As {@link rulesIn}, of the text of a file that was read. */
export function rulesOf(text: string, path: string): readonly Rule[] {
  const read = readRules(text)
  if (read.ok) return read.rules
  const lines = read.problems.map(
    ({ field, line, problem }) => `${path}, line ${line}: ${`${field} ${problem}`.trim()}.`,
  )
  throw new SessionError('config_invalid', lines.join('\n'))
}

const FILE = { field: '', line: 1 }

function refused(problems: readonly RuleProblem[]): ReadRules {
  return { ok: false, problems: problems.slice(0, MOST_PROBLEMS) }
}

function problemsOf(
  issue: z.core.$ZodIssue,
): readonly { readonly path: readonly PropertyKey[]; readonly problem: string }[] {
  const { path } = issue
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      problem: path.at(-1) === 'match' || path.at(-2) === 'match' ? NO_FIELD : 'is not known here',
    }))
  }
  const said = issue.code === 'invalid_union' && issue.message.startsWith('must ')
  return [{ path, problem: said ? issue.message : sentenceOf(issue) }]
}

const NO_FIELD = 'is no field of an event'

function isPlaced(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
}
