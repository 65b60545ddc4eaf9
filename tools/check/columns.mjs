import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from '../run.mjs'
import { textOf } from './sources.mjs'

const MOST_COLUMNS = 100

/** A tab, which gofmt and Caddy indent with, is as wide as most editors show it. */
const TAB = ' '.repeat(4)

/**
 * Code is whatever a person reads as a program or as its configuration. Not measured: Markdown,
 * whose paragraphs and tables wrap in the reader; JSON and lock files, which are data; SVG, which
 * programs write. Nothing generated or minified is tracked.
 */
const CODE =
  /\.(?:ts|mts|mjs|js|go|java|py|css|html|sh|lua|ya?ml|conf|cfg)$|\/Caddyfile$|^\.ci\/run$/

/** Of gateways. A quoted text cannot be broken there: what stands around it is measured. */
const CONFIGURATION = /\.(?:conf|cfg)$|\/Caddyfile$/
const QUOTED = /'[^']*'|`[^`]*`/g

/** No line of code is longer than a reader sees beside another file. */
export async function columns() {
  const listed = await run('git', ['ls-files', '-co', '--exclude-standard'])
  if (listed.code !== 0) return [`git cannot list the files: ${listed.stderr.trim()}`]
  return listed.stdout
    .split('\n')
    .filter((path) => CODE.test(path) && existsSync(join(root, path)))
    .flatMap(longLines)
}

function longLines(path) {
  return textOf(path)
    .split('\n')
    .flatMap((line, at) => {
      const measured = CONFIGURATION.test(path) ? line.replace(QUOTED, "''") : line
      const width = [...measured.replaceAll('\t', TAB)].length
      return width > MOST_COLUMNS
        ? [`${path}:${at + 1}: ${width} columns, ${MOST_COLUMNS} at most`]
        : []
    })
}
