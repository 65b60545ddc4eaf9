import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../run.mjs'

const LIBRARY = 'packages/holdfast'

/** Where each table of options is, and the interfaces with the sentences about its options. */
const TABLES = [
  ['engine/options', 'SESSIONS_OPTIONS', ['engine/options:SessionsOptions']],
  [
    'adapters/guard/options',
    'GUARD_FIELDS',
    ['adapters/guard/options:GuardOptions', 'carriers/csrf:CrossSiteOptions'],
  ],
  ['adapters/guard/options', 'ROUTE_OPTIONS', ['adapters/guard/options:RouteRequirements']],
  ['carriers/cookie', 'COOKIE_OPTIONS', ['carriers/cookie:CookieOptions']],
  ['client/options', 'CONNECT_OPTIONS', ['client/options:ConnectOptions']],
  [
    'opentelemetry/options',
    'OPEN_TELEMETRY_OPTIONS',
    ['opentelemetry/options:OpenTelemetryOptions'],
  ],
  [
    'stores/memory',
    'MEMORY_OPTIONS',
    ['stores/memory:MemoryOptions', 'stores/feed/bound:FeedOptions'],
  ],
  ['stores/lmdb', 'LMDB_OPTIONS', ['stores/lmdb:LmdbOptions', 'stores/feed/bound:FeedOptions']],
  ['stores/redis', 'REDIS_OPTIONS', ['stores/redis:RedisOptions', 'stores/feed/bound:FeedOptions']],
  ['network/mmdb', 'GEO_OPTIONS', ['network/mmdb:GeoLookupOptions']],
  ['step-up/step-up', 'STEP_UP_OPTIONS', ['step-up/step-up:StepUpOptions']],
  ['step-up/held-forms', 'HELD_FORMS_OPTIONS', ['step-up/held-forms:HeldFormsOptions']],
  ['tokens/access-tokens', 'ACCESS_TOKENS_OPTIONS', ['tokens/access-tokens:AccessTokensOptions']],
  ['tokens/verifier', 'VERIFIER_OPTIONS', ['tokens/verifier:VerifierOptions']],
  ['tokens/requirements', 'ACCESS_OPTIONS', ['tokens/requirements:AccessRequirements']],
  [
    'tokens/revocations',
    'FEED_OPTIONS',
    ['tokens/revocations:RevocationFeedOptions', 'tokens/revocation-stream:ServiceOptions'],
  ],
  ['tokens/key-sets', 'KEY_SET_OPTIONS', ['tokens/key-sets:RemoteKeySetOptions']],
  [
    'testing/options',
    'LOGGED_IN_OPTIONS',
    [
      'testing/options:LoggedInOptions',
      'testing/options:VisitorOptions',
      'testing/options:Place',
      'core/sessions:Login',
      'core/sessions:SubjectRef',
      'core/sessions:Traced',
    ],
  ],
]

/** What the adapters have beside the options of all. */
const ADAPTERS = [
  'Adapters add `formToken`, where the form token of a form is found; that of `node:http` adds ' +
    '`formFields`, too,',
  'and those of Hono and Fetch add `peer`, the address at the other end of the connection. That ' +
    'of Next adds nothing.',
  '',
]

/** The page of all options, from the tables that check them and the comments on their types. */
export async function optionsPage(note) {
  const source = await tablesOfSource()
  const { formatDuration } = source
  const sections = []
  for (const [module, name, interfaces] of TABLES) {
    const table = source[name]
    const { of, fields } = 'of' in table ? table : { of: 'holdfast()', fields: table }
    const about = new Map(interfaces.flatMap(sentencesOf))
    const rows = Object.entries(fields).map(([option, field]) => {
      const text = about.get(option)
      if (text === undefined) throw new Error(`${module}: ${option} does not say what it is`)
      const wanted = field.wanted.replace(/(a duration[^:]*): .*/, '$1')
      const value = cell(wanted.charAt(0).toUpperCase() + wanted.slice(1))
      return `| \`${option}\` | ${value} | ${shown(field, formatDuration)} | ${cell(text)} |`
    })
    sections.push(`## \`${of}\``, '', ...(name === 'GUARD_FIELDS' ? ADAPTERS : []))
    sections.push('| option | value | default | |', '| --- | --- | --- | --- |')
    sections.push(...rows, '')
  }
  return [
    '# Options',
    '',
    'Options are checked when they are handed over: unknown, misspelt, missing and mistyped ones ' +
      'throw `config_invalid`',
    'at once, with the name and the mend. Durations are numbers of ms or words: `1800000` or ' +
      "`'30m'`. Options that the",
    'service has too have the same names in its [configuration](configuration.md).',
    '',
    ...sections,
    note,
    '',
  ].join('\n')
}

/** The tables as the source has them: no entry exports them. */
async function tablesOfSource() {
  const path = (module) => JSON.stringify(join(root, LIBRARY, 'src', `${module}.ts`))
  const lines = [
    `export { formatDuration } from ${path('core/duration')}`,
    ...TABLES.map(([module, name]) => `export { ${name} } from ${path(module)}`),
  ]
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({
    input: TABLES_ID,
    platform: 'node',
    external: /^[a-z@]/,
    plugins: [
      {
        name: 'tables',
        resolveId: (id) => (id === TABLES_ID ? id : null),
        load: (id) => (id === TABLES_ID ? lines.join('\n') : null),
      },
    ],
  })
  // Packages are found from the library's own folder.
  const file = join(root, LIBRARY, 'dist', 'option-tables.tmp.mjs')
  try {
    await bundle.write({ file, format: 'esm', codeSplitting: false })
    return await import(pathToFileURL(file).href)
  } finally {
    rmSync(file, { force: true })
    await bundle.close()
  }
}

const TABLES_ID = '\0tables'

/** The options of an interface, each with the comment above it, or nothing to say. */
function sentencesOf(place) {
  const [module, name] = place.split(':')
  const source = readFileSync(join(root, LIBRARY, 'src', `${module}.ts`), 'utf8')
  const [, body] = new RegExp(`export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(
    source,
  )
  const field = /(?:\/\*\*\s*(?:\* )?((?:(?!\*\/)[\s\S])*?)\s*\*\/\s*)?^ {2}readonly (\w+)\??:/gm
  return [...body.matchAll(field)].map(([, text = '', option]) => [option, oneLine(text)])
}

function shown({ wanted, fallback, needed }, formatDuration) {
  if (needed !== undefined) return '**needed**'
  if (fallback === undefined || typeof fallback === 'function') return ''
  if (typeof fallback === 'object') return ''
  const words = wanted.startsWith('a duration') ? `'${formatDuration(fallback)}'` : fallback
  return `\`${words}\``
}

function oneLine(text) {
  return text
    .replace(/\s*\n\s*\* ?/g, ' ')
    .replace(/\{@link ([^}]+)\}/g, '`$1`')
    .trim()
}

function cell(text) {
  return text.replaceAll('|', '\\|')
}
