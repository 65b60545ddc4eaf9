import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { fail, isMain, outputOf, root, run } from './run.mjs'

const STAMP = join(root, 'node_modules', '.holdfast-lock')

/** Programs that tests use, by the Debian package that brings them. */
const PROGRAMS = {
  'redis-server': ['redis-server'],
  chromium: ['chromium'],
  nginx: ['nginx'],
  caddy: ['caddy'],
  haproxy: ['haproxy'],
  'golang-go': ['go'],
  'default-jdk-headless': ['javac'],
  // Its servers lie in folders of their versions.
  postgresql: ['initdb'],
  // Brings rsyslogd, and TLS for it.
  'rsyslog-gnutls': ['rsyslogd'],
}

/** Modules of Python that tests use, by the Debian package that brings them. */
const PYTHON_MODULES = {
  'python3-jwt': 'jwt',
  'python3-cryptography': 'cryptography',
}

/** Sources of Go that tests compile, by the Debian package that brings them. */
const GO_SOURCES = {
  'golang-golang-x-mod-dev': '/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog',
}

/** The first that has all modules of the tests; Debian's own need not be the first on the path. */
export async function python() {
  const script = `import ${Object.values(PYTHON_MODULES).join(', ')}`
  for (const program of ['python3', '/usr/bin/python3']) {
    if ((await run(program, ['-c', script])).code === 0) return program
  }
  return undefined
}

/** Where Debian keeps servers; not every user's PATH has it. */
const SERVERS = '/usr/sbin'
const POSTGRESQL = '/usr/lib/postgresql'

/** What Debian's packages ask before they start a daemon. */
const POLICY = '/usr/sbin/policy-rc.d'

/**
 * Makes a fresh checkout ready: checks Node and installs the npm packages of the lock file. Where
 * the programs of a Debian package in `debian` are missing, installs it (as root) or says how to.
 */
export async function setup({ debian = [] } = {}) {
  checkNode()
  await installPackages()
  await installPrograms(debian)
}

/**
 * Installs packages that only one command needs into a folder of their own, as its lock file says.
 * `npm install` leaves them alone.
 */
export async function installBeside(folder, announcement, { env = {}, flags = [] } = {}) {
  const stamp = join(folder, 'node_modules', '.holdfast-lock')
  const digest = () =>
    createHash('sha256')
      .update(readFileSync(join(folder, 'package-lock.json')))
      .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest()) return
  say(announcement)
  const installed = await run('npm', ['install', '--no-audit', '--no-fund', ...flags], {
    cwd: folder,
    env: { ...process.env, ...env },
  })
  if (installed.code !== 0) fail(`npm could not install them:\n\n${outputOf(installed)}`)
  writeFileSync(stamp, digest())
}

function checkNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node
  const [major = 0, minor = 0] = wanted.match(/\d+/g)?.map(Number) ?? []
  const [ours = 0, oursMinor = 0] = process.versions.node.split('.').map(Number)
  if (ours > major || (ours === major && oursMinor >= minor)) return
  fail(`Holdfast needs Node ${wanted}; this is ${process.versions.node}.`)
}

async function installPackages() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const digest = createHash('sha256').update(lock).digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === digest) return
  if (!installedAsLocked(JSON.parse(lock))) {
    const fresh = !existsSync(join(root, 'node_modules'))
    say(fresh ? 'Installing npm packages (once, about a minute) ...' : 'Updating npm packages ...')
    // Not "npm ci": it refuses a lock file that lacks optional packages for other platforms, and
    // starts from nothing.
    const result = await run('npm', ['install', '--no-audit', '--no-fund'])
    if (result.code !== 0)
      fail(`npm could not install the packages:\n\n${shortened(outputOf(result))}`)
  }
  const now = readFileSync(join(root, 'package-lock.json'), 'utf8')
  writeFileSync(STAMP, createHash('sha256').update(now).digest('hex'))
}

/** npm explains itself at length; the cause stands at the beginning. */
function shortened(text) {
  return text.split('\n').slice(0, 30).join('\n')
}

/**
 * npm's own note of what it installed agrees with the lock file; packages for other platforms may
 * be absent.
 */
function installedAsLocked(lock) {
  const note = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(note)) return false
  const installed = JSON.parse(readFileSync(note, 'utf8')).packages
  return Object.entries(lock.packages).every(([path, { version, optional, link }]) => {
    if (!path.includes('node_modules/') || link) return true
    return installed[path] === undefined ? optional === true : installed[path].version === version
  })
}

async function installPrograms(debian) {
  const modules = debian.filter((name) => PYTHON_MODULES[name] !== undefined)
  const missing = [
    ...debian.filter((name) => PROGRAMS[name]?.some(onPath) === false),
    ...debian.filter((name) => GO_SOURCES[name] !== undefined && !existsSync(GO_SOURCES[name])),
    ...(modules.length === 0 || (await python()) !== undefined ? [] : modules),
  ]
  if (missing.length === 0) return
  const byHand = `Install these programs, then run this again: ${missing.join(' ')}`
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    fail(
      `${byHand}\nOn Debian or Ubuntu: sudo apt-get install --no-install-recommends ` +
        `${missing.join(' ')}`,
    )
  }
  say(`Installing ${missing.join(', ')} with apt-get ...`)
  const result = await withoutDaemons(() => aptInstall(missing))
  if (result.code !== 0) fail(`${byHand}\n\n${outputOf(result)}`)
}

async function aptInstall(missing) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const install = ['install', '-y', '-q', '--no-install-recommends', ...missing]
  // A package list that is fresh enough saves half of the time; a stale or missing one is renewed.
  const first = await run('apt-get', install, { env })
  if (first.code === 0) return first
  say('Renewing the package list ...')
  await run('apt-get', ['update', '-q'], { env })
  return run('apt-get', install, { env })
}

/** A gateway that its package starts would take port 80 of this machine; tests start their own. */
async function withoutDaemons(install) {
  if (existsSync(POLICY)) return install()
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    return await install()
  } finally {
    rmSync(POLICY, { force: true })
  }
}

function onPath(program) {
  const versions = existsSync(POSTGRESQL) ? readdirSync(POSTGRESQL) : []
  const servers = [SERVERS, ...versions.map((version) => join(POSTGRESQL, version, 'bin'))]
  return [...(process.env.PATH ?? '').split(delimiter), ...servers].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function say(text) {
  process.stderr.write(`${text}\n`)
}

if (isMain(import.meta.url)) {
  await setup({ debian: [PROGRAMS, GO_SOURCES, PYTHON_MODULES].flatMap(Object.keys) })
}
