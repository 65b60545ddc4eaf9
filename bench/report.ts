import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Goal } from './goals.ts'
import type { Results } from './part.ts'
import { cellText } from './table.ts'

// Compiled to .cache/bench.
const README = fileURLToPath(new URL('../../README.md', import.meta.url))

const BLOCK = /(<!-- the bench's own output[^>]*-->\n)[\s\S]*?(<!-- end of the bench's output -->)/

export function machine(): string {
  return `Node ${process.versions.node}, ${availableParallelism()} cores`
}

/** Writes all tables and goals of this run as JSON. */
export function writeJson(
  file: string,
  { tables, goals }: { tables: readonly Results[]; goals: readonly Goal[] },
): void {
  const at = new Date().toISOString()
  writeFileSync(file, `${JSON.stringify({ at, machine: machine(), tables, goals }, null, 2)}\n`)
}

/**
 * Puts the tables that the README quotes in place of those of an earlier run, and says of which
 * parts they are where not all ran: tables of two runs must not be compared.
 */
export function writeReadme(tables: readonly Results[], parts: readonly string[]): void {
  const before = readFileSync(README, 'utf8')
  if (!BLOCK.test(before)) throw new Error('README.md has no place for the output of the bench.')
  const day = new Date().toISOString().slice(0, 10)
  const quoted = tables.filter(({ readme }) => readme === true).map(markdown)
  const of = parts.length === 0 ? 'all parts' : parts.map((part) => `\`${part}\``).join(', ')
  const text = [`One run of ${of} on ${day}, ${machine()}:`, ...quoted].join('\n\n')
  writeFileSync(
    README,
    before.replace(BLOCK, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`),
  )
}

function markdown({ title, head, rows, notes = [] }: Results): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |')
  const lines = [
    line(head),
    line(head.map((_, at) => (at === 0 ? '---' : '---:'))),
    ...rows.map((row) => line(row.map(cellText))),
  ]
  return [title, lines.join('\n'), ...notes].join('\n\n')
}
