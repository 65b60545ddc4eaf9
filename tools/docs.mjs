import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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
const PAGES = {
  'docs/errors.md': errors,
  'docs/reasons.md': reasons,
  'tools/check/root-exports.json': () => `${JSON.stringify(rootNames(), null, 2)}\n`,
  'docs/options.md': () => optionsPage(NOTE),
  'docs/configuration.md': configuration,
  'docs/monitoring.md': monitoring,
  'docs/privacy.md': privacy,
  'docs/event-types.md': eventTypes,
  'docs/gateways/nginx.md': () => withFiles('docs/gateways/nginx.md'),
  'docs/gateways/caddy.md': () => withFiles('docs/gateways/caddy.md'),
  'docs/gateways/haproxy.md': () => withFiles('docs/gateways/haproxy.md'),
}

/**
 * The pages, and the schemas that the packages publish. `force`: a schema that nobody has used yet
 * is written anew.
 */
export async function pages({ force = false } = {}) {
  const { publishedSchemas, isSameSchema } = await import(pathToFileURL(SERVICE).href)
  const isAllowed = (before, after) => force || isSameSchema(before, after)
  const schemas = publishedSchemas().map((published) => {
    const path = schemaPath(published.id)
    return [path, () => schemaText(published, path, isAllowed)]
  })
  return { ...Object.fromEntries(schemas), ...PAGES }
}

const SERVICE = join(root, 'packages/service/dist/index.js')

/** Those of events are in the library, which makes them. */
function schemaPath(id) {
  const name = id.replace('urn:holdfast:', '').replaceAll(':', '.')
  return `packages/${name.startsWith('event.') ? 'holdfast' : 'service'}/schemas/${name}.json`
}

/** Throws where something else would be valid by a schema that may be in use. */
function schemaText({ id, versionIn, schema }, path, isAllowed) {
  const missing = earlierVersions(path).filter((one) => !existsSync(join(root, one)))
  if (missing.length > 0) throw new Error(`schemas stay, and ${missing.join(', ')} is gone`)
  if (
    existsSync(join(root, path)) &&
    !isAllowed(JSON.parse(readFileSync(join(root, path))), schema)
  )
    throw new Error(
      `what is valid by ${id} has changed. Raise ${versionIn}, run "node tools/docs.mjs" and ` +
        'say it in CHANGELOG.md. Where no release has this version: node tools/docs.mjs --force',
    )
  return `${JSON.stringify(schema, null, 2)}\n`
}

function earlierVersions(path) {
  const [, stem, version] = /^(.*\.)(\d+)\.json$/.exec(path)
  return Array.from({ length: Number(version) - 1 }, (_, at) => `${stem}${at + 1}.json`)
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
  const { metricsReference } = await import(pathToFileURL(SERVICE).href)
  const text = readFileSync(join(root, 'docs/monitoring.md'), 'utf8')
  const table = /(<!-- the metrics of the service -->\n\n)[\s\S]*?\n\n/
  return text.replace(table, (_, mark) => `${mark}${metricsReference()}\n\n`)
}

async function privacy() {
  const { privacyReference } = await import(pathToFileURL(SERVICE).href)
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
    'When each type comes, and what its reasons are, is in [types of events](event-types.md).',
    '',
    NOTE,
    '',
  ].join('\n')
}

async function eventTypes() {
  const { eventReference } = await import(pathToFileURL(SERVICE).href)
  return [
    '# Types of events',
    '',
    'What each type of event has, and what its `reason` can be; what all of them have, and how ' +
      'to read them, is in',
    '[events](events.md). Every type has a JSON Schema (2020-12) that takes nothing else: ' +
      '`urn:holdfast:event:TYPE:VERSION`.',
    'It is in the library (`holdfast/schemas/event.session-revoked.1.json`), and a service ' +
      'answers all of them at',
    '`GET /v1/schemas`, with those of findings (`urn:holdfast:finding:1`) and of lines of ' +
      'the output format `json`',
    '(`urn:holdfast:output:1`), which are in `@holdfast/service/schemas`. What is valid by a ' +
      'version never changes:',
    '[stability](stability.md#schemas-of-events). An item of `GET /v1/events` has `cursor` ' +
      'beside the event, and `personal`',
    'where that was asked for: take both away before you check it. The examples are from the ' +
      'steps that the tests play.',
    '',
    eventReference(JSON.parse(readFileSync(join(root, EXAMPLES), 'utf8'))),
    '',
    NOTE,
    '',
  ].join('\n')
}

const EXAMPLES = 'packages/service/test/audit/fixtures/event-examples.json'

function oneLine(text) {
  return text
    .replace(/\s*\n\s*\*?\s*/g, ' ')
    .replaceAll('|', '\\|')
    .trim()
}

if (isMain(import.meta.url)) {
  await setup()
  await orFail(build())
  const force = process.argv.includes('--force')
  for (const [page, write] of Object.entries(await pages({ force }))) {
    try {
      mkdirSync(dirname(join(root, page)), { recursive: true })
      writeFileSync(join(root, page), await write())
      process.stdout.write(`${page} written\n`)
    } catch (error) {
      fail(`${page}: ${error.message}`)
    }
  }
}
