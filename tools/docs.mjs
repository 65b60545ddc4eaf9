import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.mjs'
import { fail, isMain, orFail, outputOf, root, run } from './run.mjs'
import { setup } from './setup.mjs'

const NOTE =
  'This page is written by `node tools/docs.mjs` from the source; `npm run check` compares.'

/** Each generated page and how to write it. A writer throws when the source has gaps. */
export const PAGES = {
  'docs/errors.md': errors,
  'docs/reasons.md': reasons,
  'docs/configuration.md': configuration,
}

/** A code of the error table with the comment above it. */
export function errorCodes() {
  const source = readFileSync(join(root, 'packages/holdfast/src/core/errors.ts'), 'utf8')
  const rows = source.matchAll(
    /(?:\/\*\* ([^*]*) \*\/\s+)?^ {2}(\w+): \{ status: (\d+), kind: '(\w+)', clears: (\w+) \}/gm,
  )
  return [...rows].map(([, text, code, status, kind, clears]) => {
    if (text === undefined) throw new Error(`core/errors.ts: ${code} does not say what happened`)
    return { code, status, kind, clears: clears === 'true', text: oneLine(text) }
  })
}

function errors() {
  const table = (wanted) => [
    '| code | HTTP | clears the cookie | what happened, what to do |',
    '| --- | --- | --- | --- |',
    ...errorCodes()
      .filter(({ kind }) => kind === wanted)
      .map(
        ({ code, status, clears, text }) =>
          `| \`${code}\` | ${status} | ${clears ? 'yes' : 'no'} | ${text} |`,
      ),
  ]
  return [
    '# Codes',
    '',
    'Match on the code, never on a message. In HTTP answers it is the `code` of the problem details (RFC 9457).',
    '',
    '## Refusals',
    '',
    'Expected outcomes of a request: values, never thrown.',
    '',
    ...table('refusal'),
    '',
    '## Faults',
    '',
    'Something that a programmer or an operator must mend: thrown as `SessionError`. A throw is never an allow,',
    'and it never clears a cookie.',
    '',
    ...table('fault'),
    '',
    NOTE,
    '',
  ].join('\n')
}

function reasons() {
  const rows = reasonRows()
  return [
    '# Reasons',
    '',
    'Every decision lists its reasons, and their weights sum to its score. Weights are decibans: +10 makes a',
    'hijack ten times likelier, negative ones speak for the owner. Reasons are stable; weights are tuned.',
    '',
    '| reason | what it says |',
    '| --- | --- |',
    ...rows.map(({ reason, text }) => `| \`${reason}\` | ${text} |`),
    '',
    NOTE,
    '',
  ].join('\n')
}

/** A reason of the catalogue with the comment above it. */
export function reasonRows() {
  const file = join(root, 'packages/holdfast/src/signals/reasons.ts')
  if (!existsSync(file)) throw new Error('packages/holdfast/src/signals/reasons.ts is missing')
  return [...readFileSync(file, 'utf8').matchAll(REASON)].map(([, comment, name]) => ({
    reason: name,
    text: oneLine(comment),
  }))
}

const REASON = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+(\w+):/g

async function configuration() {
  const cli = join(root, 'packages/service/bin/holdfast.mjs')
  if (!existsSync(cli)) throw new Error('packages/service/bin/holdfast.mjs is missing')
  const result = await run(process.execPath, [cli, 'config', 'reference'])
  if (result.code !== 0) throw new Error(`"holdfast config reference" failed: ${outputOf(result)}`)
  return result.stdout
}

function oneLine(text) {
  return text
    .replace(/\s*\n\s*\*?\s*/g, ' ')
    .replaceAll('|', '\\|')
    .trim()
}

if (isMain(import.meta.url)) {
  await setup()
  await orFail(build())
  for (const [page, write] of Object.entries(PAGES)) {
    try {
      writeFileSync(join(root, page), await write())
      process.stdout.write(`${page} written\n`)
    } catch (error) {
      fail(`${page}: ${error.message}`)
    }
  }
}
