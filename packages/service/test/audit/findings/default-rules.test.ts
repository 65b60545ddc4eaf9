import { readFileSync } from 'node:fs'
import { EVENT_TYPES } from 'holdfast/maintenance'
import { formatDuration } from 'holdfast/wire'
import { describe, expect, test } from 'vitest'
import type { Condition, Rule } from '../../../src/audit/findings/rule.ts'
import { DEFAULT_RULES, readRules, rulesIn } from '../../../src/audit/findings/rules-file.ts'
import { runExamples } from '../../../src/audit/findings/run-examples.ts'

const rules = rulesIn(DEFAULT_RULES)

const PAGE = readFileSync(new URL('../../../../../docs/findings.md', import.meta.url), 'utf8')

describe('the default rules', () => {
  test.each(runExamples(rules).map((result) => [result.rule, result.about, result] as const))(
    '%s: %s',
    (_, __, { expected, fired }) => {
      expect(fired).toBe(expected)
    },
  )

  test.each(rules)('$name has examples that fire and that do not', ({ examples }) => {
    expect(new Set(examples.map(({ fires }) => fires))).toEqual(new Set([true, false]))
  })

  test('name only types of the catalogue, or those that the service gives', () => {
    const named = rules.flatMap(({ match }) => match.flatMap(({ type }) => textsIn(type)))

    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((type) => !KNOWN.includes(type))).toEqual([])
  })

  test('are those of the table in docs/findings.md', () => {
    expect(PAGE).toContain(`<!-- the default rules -->\n\n${tableOf(rules)}\n`)
  })
})

test('the rule that docs/findings.md shows does what its examples say', () => {
  const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(PAGE) ?? []
  const read = readRules(text)

  const results = read.ok ? runExamples(read.rules) : []
  expect(results.map(({ expected, fired }) => [expected, fired])).toEqual([
    [true, true],
    [false, false],
  ])
})

const KNOWN: readonly string[] = [...EVENT_TYPES, 'admin-acted', 'service']

function textsIn(condition: Condition | undefined): readonly string[] {
  return JSON.stringify(condition ?? null).match(/(?<=")[a-z-]+(?=")/g) ?? []
}

function tableOf(all: readonly Rule[]): string {
  const rows = all.map(
    ({ name, severity, title, groupBy, once }) =>
      `| \`${name}\` | ${severity} | ${title} | ${groupBy.join(', ') || '-'} | ` +
      `${formatDuration(once)} |`,
  )
  return ['| rule | severity | title | by | told once in |', '| --- | --- | --- | --- | --- |']
    .concat(rows)
    .join('\n')
}
