import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from './build.mjs'
import { rootNames } from './check/exports.mjs'
import { optionsPage } from './check/option-tables.mjs'
import { fail, isMain, orFail, outputOf, root, run } from './run.mjs'
import { setup } from './setup.mjs'

const NOTE =
  'This page is written by `node tools/docs.mjs` from the source; `npm run check` compares.'

/** What is written from the source, and how. A writer throws when the source has gaps. */
export const PAGES = {
  'docs/errors.md': errors,
  'docs/reasons.md': reasons,
  'tools/check/root-exports.json': () => `${JSON.stringify(rootNames(), null, 2)}\n`,
  'docs/options.md': () => optionsPage(NOTE),
  'docs/configuration.md': configuration,
  'docs/monitoring.md': monitoring,
  'docs/privacy.md': privacy,
  'docs/gateways/nginx.md': () => withFiles('docs/gateways/nginx.md'),
  'docs/gateways/caddy.md': () => withFiles('docs/gateways/caddy.md'),
  'docs/gateways/haproxy.md': () => withFiles('docs/gateways/haproxy.md'),
}

/**
 * A page written by hand, each block under `<!-- the file NAME -->` as the file beside it, which
 * tests run, is now.
 */
export function withFiles(page) {
  const text = readFileSync(join(root, page), 'utf8')
  return text.replace(
    /(<!-- the file (\S+) -->\n\n)(```\w*\n)[\s\S]*?\n```\n/g,
    (_, mark, name, fence) =>
      `${mark}${fence}${readFileSync(join(root, dirname(page), name), 'utf8').trimEnd()}\n\`\`\`\n`,
  )
}

/** A code of the error table with the comment above it. */
export function errorCodes() {
  const source = readFileSync(join(root, 'packages/holdfast/src/core/errors.ts'), 'utf8')
  const comment = /(?:\/\*\*\s+(?:\* )?((?:(?!\*\/)[\s\S])*?)\s+\*\/\s+)?/
  const entry = /^ {2}(\w+): \{ status: (\d+), kind: '(\w+)', clears: (\w+) \}/
  const rows = source.matchAll(new RegExp(comment.source + entry.source, 'gm'))
  return [...rows].map(([, text, code, status, kind, clears]) => {
    if (text === undefined) throw new Error(`core/errors.ts: ${code} does not say what happened`)
    return {
      code,
      status,
      kind,
      clears: clears === 'true',
      text: oneLine(text),
    }
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
    'Match on the code, never on a message. In HTTP answers it is the `code` of the problem ' +
      'details (RFC 9457).',
    '',
    '## Refusals',
    '',
    'Expected outcomes of a request: values, never thrown. A code that clears the cookie does so ' +
      'with the answer to a',
    'navigation, or to a client that sends no Fetch Metadata. What a page fetches in the ' +
      'background leaves it alone: such',
    'an answer may come after a login whose cookie is a newer one.',
    '',
    ...table('refusal'),
    '',
    '## Faults',
    '',
    'Something that a programmer or an operator must fix: thrown as `SessionError`. A throw is ' +
      'never an allow,',
    'and it never clears a cookie.',
    '',
    ...table('fault'),
    '',
    NOTE,
    '',
  ].join('\n')
}

const GROUPS = {
  N: 'network, place and clock',
  D: 'device',
  R: 'fork of a rotating secret',
  C: 'concurrency',
  K: 'proof of a key',
  B: 'what the holder does, and what happened in the session before',
  P: 'what the policy or the route demands',
}

function reasons() {
  const rows = reasonRows()
  const groups = [...new Set(rows.map(({ group }) => group))]
  const weights = startingWeights()
  const lines = rows.map(
    ({ reason, group, text }) =>
      `| \`${reason}\` | ${group} | ${weights.get(reason) ?? ''} | ${text} |`,
  )
  return [
    '# Reasons',
    '',
    'Every decision lists its reasons, and their weights sum to its score. Weights are decibans: ' +
      '+10 makes a',
    'hijack ten times likelier, negative ones speak for the owner. Reasons are stable; weights ' +
      'are tuned, and',
    'one that depends on the case has none here.',
    '',
    `Groups: ${groups.map((group) => `${group}, ${GROUPS[group]}`).join('; ')}.`,
    '',
    '| reason | group | weight | what it says |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
    NOTE,
    '',
  ].join('\n')
}

/** The catalogue of reasons. Throws when a row is written in a way that this cannot read. */
export function reasonRows() {
  const source = readFileSync(join(root, SIGNALS, 'reasons.ts'), 'utf8')
  const rows = [...source.matchAll(REASON)].map(([, reason, group, text]) => ({
    reason,
    group,
    text: oneLine(text.replace(JOINT, '')),
  }))
  const written = source.match(/^\s*(?:\w+: \{ )?group: '/gm)?.length
  if (rows.length !== written)
    throw new Error(`signals/reasons.ts: ${rows.length} of ${written} rows read`)
  return rows
}

const SIGNALS = 'packages/holdfast/src/signals'
const REASON = /^ {2}(\w+): \{\s*group: '(\w)',\s*text:\s*['"]((?:.|['"] \+\n)*?)['"],?\s*\},$/gm

/** Between the pieces of a long text. */
const JOINT = /['"] \+\n\s*['"]/g

function startingWeights() {
  const source = readFileSync(join(root, SIGNALS, 'weights.ts'), 'utf8')
  return new Map(
    [...source.matchAll(/^ {2}(\w+): (-?\d+),$/gm)].map(([, name, weight]) => [name, weight]),
  )
}

async function configuration() {
  const cli = join(root, 'packages/service/bin/holdfast.mjs')
  if (!existsSync(cli)) throw new Error('packages/service/bin/holdfast.mjs is missing')
  const result = await run(process.execPath, [cli, 'config', 'reference'])
  if (result.code !== 0) throw new Error(`"holdfast config reference" failed: ${outputOf(result)}`)
  return result.stdout
}

/** A page written by hand, but for the table under its mark. */
async function monitoring() {
  const service = join(root, 'packages/service/dist/index.js')
  const { metricsReference } = await import(pathToFileURL(service).href)
  const text = readFileSync(join(root, 'docs/monitoring.md'), 'utf8')
  const table = /(<!-- the metrics of the service -->\n\n)[\s\S]*?\n\n/
  return text.replace(table, (_, mark) => `${mark}${metricsReference()}\n\n`)
}

async function privacy() {
  const service = join(root, 'packages/service/dist/index.js')
  const { privacyReference } = await import(pathToFileURL(service).href)
  return [
    '# Privacy',
    '',
    'What is kept of people, what for, until when, and who sees it. An event has a public part, ' +
      'which is about keys and',
    'numbers, and a personal part, which is sealed apart and only kept where `auditPersonal` (or ' +
      '`personalFacts` of the',
    'library) asks for it: `full` with an audit log, unless you say `network` or `none`. Secrets ' +
      'are in neither.',
    '',
    '`holdfast subjects erase` destroys the key of a subject: the lines of the log stay and ' +
      'verify, and nobody',
    'can open its personal parts any more.',
    '',
    privacyReference(),
    '',
    'The kinds `login`, `logout` and `session` are about authentication, `detection` is a ' +
      'suspicion, `cleared` takes one',
    'back, `account` changes what belongs to a subject, `system` the service. When each type ' +
      'comes, and which of them',
    'are told and not kept, is in [events](events.md).',
    '',
    NOTE,
    '',
  ].join('\n')
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
