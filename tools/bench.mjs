import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { fail, orFail, outputOf, root, run, runBin } from './run.mjs'
import { installBeside, setup } from './setup.mjs'

const PARTS = {
  verify: 'CPU of one verification on each store, beside its primitives and the peers',
  refresh: 'one rotation of a refresh token, beside a pair of JWTs and better-auth',
  memory: 'Redis commands of a verification, Redis bytes of a session',
  subjects: 'listing and revoking 1,000 sessions of one subject',
  cold: 'process start to the first verified session',
  http: 'requests a second behind Fastify and Express, over the bare framework',
  service: 'verifications a second of the service, over a bare server',
  processes: 'several processes at once, and how soon they know of an end',
  growth: 'what grows with the sessions: 100,000 over 1,000, and by its name alone a million',
  offline: 'access tokens verified offline, beside jose',
  revocation: 'from a revocation to the last of 50 verifiers, and to another engine',
  audit: 'from a theft to the alert of it, and what the audit log costs',
  search: 'a million events of the audit log: how fast they are indexed and found',
  hijack:
    'hijacks caught and rightful users disturbed, beside other checks; writes docs/detection.md ' +
    '(only by its name)',
  'hijack-training': 'the counts that the weights of the signals are made of (only by its name)',
  'hijack-people': 'rightful users alone, 4,000 of them (a quarter of an hour, only by its name)',
  'hijack-sensitivity':
    'how the false step-ups move with what is assumed (a quarter of an hour, only by its name)',
  jar: 'how often Chromium rolls its cookie jar back (a quarter of an hour, only by its name)',
  rotation:
    'how often a cookie jar that was rolled back looks like a second holder (a minute, only by ' +
    'its name)',
  signals: 'all signals together where something changed, and that none is asked otherwise',
}

const HELP = `npm run bench [-- part ...]

Prints what a session costs, beside what others cost and the floor, the least hand-made code with
every check. Fails where an answer was wrong, and where a goal does not hold or could not be shown.
Everything runs on this machine, over loopback. HOLDFAST_BENCH_FLOOR is the path of a module with
the floor, as bench/floor.ts describes it.

  --only WORDS        only some rows of a part, for a quick look, as in "http --only fastify,hot";
                      http: fastify express, hot redis lmdb, turn random, throughput latency,
                      peers;
                      service: hot strict, turn random, single batch gate connect;
                      growth: 100k, lmdb redis;
                      audit: thefts cost; search: index beside;
                      verify: hot memory lmdb redis, peers, attributes, primitives
  --json FILE         writes all tables and goals as JSON
  --readme            writes the tables that the README quotes into it, of the parts that ran

What the README shows of it takes some forty minutes. The parts:

${Object.entries(PARTS)
  .map(([name, what]) => `  ${name.padEnd(20)}${what}`)
  .join('\n')}
`

/** Parts that need no peer to be installed. */
const ALONE = [
  'http',
  'service',
  'audit',
  'processes',
  'growth',
  'offline',
  'revocation',
  'search',
  'signals',
  'hijack',
  'hijack-training',
  'hijack-people',
  'hijack-sensitivity',
  'jar',
  'rotation',
]

const PEERS = join(root, 'bench', 'peers')

const { help, json, only, readme, wanted } = await orFail(wishes())
if (help) {
  process.stdout.write(HELP)
  process.exit(0)
}
const unknown = wanted.filter((word) => !Object.hasOwn(PARTS, word))
if (unknown.length > 0) fail(`There is no part "${unknown.join('", "')}".\n\n${HELP}`)

await setup()
const withPeers = wanted.includes('http') && (only === undefined || only.includes('peers'))
const compared = wanted.length === 0 || withPeers || wanted.some((part) => !ALONE.includes(part))
if (compared) await installPeers()
await orFail(build())

// The bench runs what was built, as a user would have it, and so has to be compiled itself.
const compiled = join(root, '.cache', 'bench')
rmSync(compiled, { recursive: true, force: true })
const result = await runBin('tsc', ['-p', join(root, 'bench')])
if (result.code !== 0) fail(`The bench does not compile:\n\n${outputOf(result)}`)
// Compiled peers find their packages where a program of their own folder would.
if (compared)
  symlinkSync(join(PEERS, 'node_modules'), join(compiled, 'peers', 'node_modules'), 'junction')
const options = [
  ...(json === undefined ? [] : ['--json', json]),
  ...(only === undefined ? [] : ['--only', only]),
  ...(readme ? ['--readme'] : []),
]
const floor = process.env.HOLDFAST_BENCH_FLOOR
if (floor !== undefined) process.env.HOLDFAST_BENCH_FLOOR = resolve(floor)
const { code } = await run(process.execPath, [join(compiled, 'main.js'), ...options, ...wanted], {
  inherit: true,
})
process.exit(code)

/** The command line. A path is as the caller means it: the bench itself runs from the root. */
async function wishes() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      json: { type: 'string' },
      only: { type: 'string' },
      readme: { type: 'boolean', default: false },
    },
  })
  const json = values.json === undefined ? undefined : resolve(values.json)
  return { ...values, json, wanted: positionals }
}

/** The peers are no part of the project's own packages: one of them is compiled for minutes. */
async function installPeers() {
  await installBeside(
    PEERS,
    'Installing the peers that the bench compares with: express-session, connect-redis, ' +
      'better-auth, better-sqlite3,\n' +
      'jose, fast-jwt, iron-session, @fastify/secure-session (once, about a minute; up to three ' +
      'more where better-sqlite3 has to be compiled) ...',
    { env: headersOfNode() },
  )
}

/** Headers that came with this Node need not be downloaded to compile a package. */
function headersOfNode() {
  const home = dirname(dirname(process.execPath))
  const there = existsSync(join(home, 'include', 'node', 'node.h'))
  return there ? { npm_config_nodedir: home } : {}
}
