import { filesBelow, importsOf, isLocal, jsonOf, textOf, valueImportsOf } from './sources.mjs'

const LIBRARY = 'packages/holdfast/src/'

/** Which folders of the library a pure folder may use, and which packages. */
const PURE = {
  core: { folders: ['core'], packages: ['structured-headers', 'fastest-levenshtein'] },
  signals: { folders: ['core', 'signals'], packages: ['structured-headers'] },
  policies: { folders: ['core', 'policies', 'signals'], packages: [] },
  wire: { folders: ['core', 'wire'], packages: [] },
}

/**
 * What nothing that the engine uses may reach, however indirectly: stores, frameworks, files,
 * sockets.
 */
const IO = [
  /^node:(fs|net|http|https|http2|tls|dgram|dns|child_process|worker_threads|cluster)(\/|$)/,
  /^(mmdb-lib|lmdb|ioredis|redis|express|fastify|hono|koa|@hono\/|@nestjs\/|@opentelemetry\/)/,
]

const ENGINE = `${LIBRARY}engine/`
const MOST_ENTRIES = 8

/**
 * The rooms of the engine, and which of them a room may import from, for types too. Every arrow
 * points from operations to judging to state; the local copies stand beside state.
 */
const ROOMS = {
  operations: ['operations', 'judging', 'state', 'local-copies'],
  judging: ['judging', 'state', 'local-copies'],
  state: ['state', 'local-copies'],
  'local-copies': ['local-copies', 'state'],
}

/** What every room may import. They take only types from rooms: nothing passes through them. */
const COMMON = [`${ENGINE}context.ts`, `${ENGINE}input.ts`, `${ENGINE}options.ts`]

/**
 * The architecture, as far as imports can show it. Each finding names the file and what is wrong.
 */
export function boundaries() {
  const library = new Map(filesBelow(LIBRARY, /\.ts$/).map((path) => [path, importsOf(path)]))
  return [
    ...pureFolders(library),
    ...engine(library),
    ...rooms(library),
    ...adapters(library),
    ...testRunners(library),
    ...cycles(library),
    ...outside('packages/service'),
    ...outside('examples/shop'),
    ...outside('examples/adapters'),
    ...fileCycles(),
    ...tools(),
  ]
}

function pureFolders(library) {
  const findings = []
  for (const [path, imports] of library) {
    const rule = PURE[folderOf(path)]
    if (rule === undefined) continue
    for (const imported of imports) {
      const allowed = isLocal(imported)
        ? rule.folders.includes(folderOf(imported))
        : rule.packages.includes(imported)
      if (!allowed) findings.push(`${path}: ${folderOf(path)} may not import ${imported}`)
    }
  }
  return findings
}

function engine(library) {
  const findings = []
  for (const path of library.keys()) {
    if (folderOf(path) !== 'engine') continue
    for (const { chain, imported } of reach(library, path)) {
      const folder = isLocal(imported) ? folderOf(imported) : undefined
      if (folder === 'stores' || folder === 'adapters' || IO.some((one) => one.test(imported))) {
        findings.push(`${[...chain, imported].join(' -> ')}: the engine gets I/O as arguments`)
      }
    }
  }
  return [...new Set(findings)]
}

function rooms(library) {
  const inside = [...library].filter(([path]) => path.startsWith(ENGINE))
  const entries = new Set(inside.map(([path]) => path.slice(ENGINE.length).split('/')[0]))
  const findings = []
  if (entries.size > MOST_ENTRIES) {
    const names = [...entries].sort().join(', ')
    findings.push(`${ENGINE} has ${entries.size} entries, ${MOST_ENTRIES} at most: ${names}`)
  }
  for (const [path, imports] of inside) {
    const room = roomOf(path)
    if (room !== undefined && !Object.hasOwn(ROOMS, room)) {
      findings.push(`${path}: the engine has no room "${room}"`)
    }
    const links = COMMON.includes(path) ? valueImportsOf(path) : imports
    for (const imported of links.filter((one) => one.startsWith(ENGINE))) {
      if (!mayImport(path, imported)) findings.push(`${path}: ${imported} is above it`)
    }
  }
  return findings
}

function mayImport(path, imported) {
  if (COMMON.includes(imported)) return true
  if (roomOf(imported) === undefined || COMMON.includes(path)) return false
  const room = roomOf(path)
  return room === undefined || ROOMS[room]?.includes(roomOf(imported)) === true
}

/** The folder of the engine that a file of it is in; undefined at its top. */
function roomOf(path) {
  const rest = path.slice(ENGINE.length)
  return rest.includes('/') ? rest.slice(0, rest.indexOf('/')) : undefined
}

/** Two modules that import each other's values see one another half made. */
function fileCycles() {
  const sources = filesBelow('packages', /\.m?ts$/).filter((path) => SOURCE.test(path))
  const uses = new Map(sources.map((path) => [path, valueImportsOf(path)]))
  const findings = []
  const done = new Set()
  function visit(path, trail) {
    const at = trail.indexOf(path)
    if (at >= 0) {
      findings.push(`files import each other's values: ${[...trail.slice(at), path].join(' -> ')}`)
    }
    if (at >= 0 || done.has(path)) return
    for (const next of uses.get(path) ?? []) {
      if (uses.has(next)) visit(next, [...trail, path])
    }
    done.add(path)
  }
  for (const path of sources) visit(path, [])
  return findings
}

const SOURCE = /^packages\/[^/]+\/src\//

function* reach(library, start) {
  const seen = new Set([start])
  const queue = [[start]]
  for (let chain = queue.shift(); chain !== undefined; chain = queue.shift()) {
    for (const imported of library.get(chain.at(-1)) ?? []) {
      yield { chain, imported }
      if (!library.has(imported) || seen.has(imported)) continue
      seen.add(imported)
      queue.push([...chain, imported])
    }
  }
}

function adapters(library) {
  return [...library].flatMap(([path, imports]) =>
    folderOf(path) !== 'adapters'
      ? []
      : imports
          .filter((imported) => isLocal(imported) && /^(engine|stores)$/.test(folderOf(imported)))
          .map((imported) => `${path}: an adapter talks to Sessions alone, not to ${imported}`),
  )
}

/** Only the contracts need a test runner: applications test with their own. */
function testRunners(library) {
  const entries = Object.values(jsonOf('packages/holdfast/package.json').exports).flatMap(
    ({ default: built }) => built?.replace('./dist/', LIBRARY).replace(/\.js$/, '.ts') ?? [],
  )
  return entries
    .filter((path) => folderOf(path) !== 'contracts')
    .flatMap((path) => [...reach(library, path)])
    .filter(({ imported }) => imported === 'vitest')
    .map(({ chain }) => `${chain.join(' -> ')} -> vitest: only holdfast/contracts may`)
}

function cycles(library) {
  const uses = new Map()
  for (const [path, imports] of library) {
    const from = folderOf(path)
    if (from === '') continue
    const targets = uses.get(from) ?? new Map()
    uses.set(from, targets)
    for (const imported of imports.filter(isLocal)) {
      const to = folderOf(imported)
      if (to !== from && !targets.has(to)) targets.set(to, `${path} -> ${imported}`)
    }
  }

  const findings = []
  const done = new Set()
  function visit(folder, trail) {
    if (trail.includes(folder)) {
      const loop = [...trail.slice(trail.indexOf(folder)), folder]
      const edges = loop.slice(1).map((to, at) => uses.get(loop[at]).get(to))
      findings.push(`folders import each other in a circle:\n      ${edges.join('\n      ')}`)
      return
    }
    if (done.has(folder)) return
    for (const next of uses.get(folder)?.keys() ?? []) visit(next, [...trail, folder])
    done.add(folder)
  }
  for (const folder of uses.keys()) visit(folder, [])
  return findings
}

/** Users of the library, ourselves included, have its public entries and nothing else. */
function outside(home) {
  const entries = Object.keys(jsonOf('packages/holdfast/package.json').exports)
  const isPublic = new Set(entries.map((entry) => `holdfast${entry.slice(1)}`))
  const findings = []
  for (const path of filesBelow(`${home}/src`, /\.m?ts$/)) {
    for (const imported of importsOf(path)) {
      const leaves = isLocal(imported) && !imported.startsWith(`${home}/`)
      const secret = /^holdfast(\/|$)/.test(imported) && !isPublic.has(imported)
      if (leaves || secret)
        findings.push(`${path}: ${imported} is not a public entry of the library`)
    }
  }
  return findings
}

/** A command installs the packages first: what it is made of may ask for them only afterwards. */
function tools() {
  return filesBelow('tools', /\.mjs$/)
    .filter((path) => !path.startsWith('tools/site/'))
    .flatMap((path) =>
      [...textOf(path).matchAll(/^(?:import|export|\}) .*from '(\w[^:']*|@[^']*)'$/gm)].map(
        ([, name]) => `${path}: imports ${name} before it is installed; use await import()`,
      ),
    )
}

function folderOf(path) {
  if (!path.startsWith(LIBRARY)) return path
  const rest = path.slice(LIBRARY.length)
  return rest.includes('/') ? rest.slice(0, rest.indexOf('/')) : ''
}
