import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from './build.mjs'
import { journey } from './packed/journey.mjs'
import { pages } from './packed/pages.mjs'
import { orFail, outputOf, root, run } from './run.mjs'
import { setup } from './setup.mjs'

const TEMPLATES = join(root, 'examples', 'projects')
const CLOCK = join(root, 'tools', 'packed', 'clock.mjs')

/** Only what hangs meets them. */
const STEP_MS = 300_000
const READY_MS = 60_000

/** Projects that are installed and driven at the same time. */
const AT_ONCE = 2

/**
 * What differs: where the calls for programs are, whether there are pages for a person, and which
 * project has the files that are not its own.
 */
const PROJECTS = {
  next: { api: '/api', hasPages: true },
  'express-4': { like: 'express-5' },
  'nest-11': { like: 'nest-express' },
  'nest-fastify': { like: 'nest-express' },
  bundlers: { like: 'hono' },
  runtimes: { like: 'hono' },
}

/** Every project below `examples/projects`. */
function projectNames() {
  return readdirSync(TEMPLATES).filter((name) => existsSync(join(TEMPLATES, name, 'package.json')))
}

/**
 * Packs the library, and makes each project in a fresh directory outside of the repository: it is
 * installed without flags, compiled, started and driven. `say` hears of each as it ends. Answers
 * `{ name, seconds, failure?, unreachable? }` for each.
 */
async function packedProjects(names, say) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-packed-'))
  try {
    const archive = await packed(folder)
    const waiting = [...names]
    const results = []
    const worker = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const result = await project(name, { folder: join(folder, name), archive })
        results.push(result)
        say(result)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    return results
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function packed(folder) {
  const pack = ['pack', '--ignore-scripts', '--pack-destination', folder]
  const result = await run('npm', pack, { cwd: join(root, 'packages/holdfast') })
  if (result.code !== 0) throw new Error(`The library cannot be packed: ${outputOf(result)}`)
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz')),
  )
}

async function project(name, { folder, archive }) {
  const seconds = {}
  const step = async (what, work) => {
    const from = performance.now()
    try {
      return await work()
    } finally {
      seconds[what] = (performance.now() - from) / 1000
    }
  }
  const { api = '', hasPages = false, like = name } = PROJECTS[name] ?? {}
  let installed = false
  try {
    for (const from of [like, name]) cpSync(join(TEMPLATES, from), folder, { recursive: true })
    const source = join(folder, 'src')
    cpSync(join(TEMPLATES, 'users.ts'), join(source, 'users.ts'))
    cpSync(CLOCK, join(folder, 'clock.mjs'))
    await step('install', () => npm(folder, ['install', archive]))
    installed = true
    const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    for (const script of ['build', 'test']) {
      if (scripts[script] !== undefined) await step(script, () => npm(folder, ['run', script]))
    }
    const starts = Object.entries(scripts).filter(([script]) => script.startsWith('start'))
    for (const [script, command] of starts) {
      await step(script, () =>
        driven(folder, command, (origin, advance) => journey(`${origin}${api}`, advance)),
      )
      if (hasPages) await step('pages', () => driven(folder, command, pages))
    }
    return { name, seconds }
  } catch (error) {
    const unreachable = installed ? undefined : UNREACHABLE.exec(error.message)?.[0]
    return { name, seconds, failure: error.message, ...(unreachable && { unreachable }) }
  }
}

/** What npm says when it has no connection to a registry, and no copy of what it would fetch. */
const UNREACHABLE = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED)\b/

async function npm(folder, args) {
  const result = await run('npm', args, { cwd: folder, env: environment(), timeout: STEP_MS })
  if (result.code !== 0) throw new Error(`npm ${args[0]} failed:\n${outputOf(result)}`)
}

/** What an outer npm tells its scripts is none of the project's business. */
function environment() {
  const outer = /^npm_(package|lifecycle|command|execpath|node)/
  const own = Object.entries(process.env).filter(([name]) => !outer.test(name))
  return {
    ...Object.fromEntries(own),
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    NEXT_TELEMETRY_DISABLED: '1',
  }
}

/** Starts the project by one of its own commands, and drives it. */
async function driven(folder, start, drive) {
  const clock = join(folder, 'clock')
  let ahead = 0
  writeFileSync(clock, '0')
  const port = await freePort()
  const server = started(start, folder, {
    PORT: String(port),
    HOLDFAST_TEST_CLOCK: clock,
    NODE_OPTIONS: '--import=./clock.mjs',
  })
  try {
    const origin = `http://127.0.0.1:${port}`
    await server.ready(origin)
    await drive(origin, (ms) => {
      ahead += ms
      writeFileSync(clock, String(ahead))
    })
  } catch (error) {
    throw new Error(`${error.message}\n${server.said()}`, { cause: error })
  } finally {
    await server.stop()
  }
}

/** Without npm or a shell between, so that the server ends when it is told to. */
function started(command, folder, env) {
  const [program, ...args] = command.split(' ')
  const path = `${join(folder, 'node_modules', '.bin')}:${process.env.PATH}`
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...environment(), PATH: path, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-4000)
    })
  }
  let ended = false
  const end = new Promise((resolve) => {
    child.on('error', (error) => {
      said += error.message
      resolve()
    })
    child.on('close', resolve)
  }).then(() => {
    ended = true
  })

  return {
    said: () => said,
    async ready(origin) {
      const until = performance.now() + READY_MS
      while (!ended && performance.now() < until) {
        const answer = await fetch(origin).catch(() => undefined)
        if (answer !== undefined) return
        await sleep(50)
      }
      throw new Error(ended ? 'The server has ended.' : 'The server does not answer.')
    },
    async stop() {
      if (ended) return
      process.kill(-child.pid, 'SIGKILL')
      await end
    },
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** One line: what was done, how long it took, or what went wrong. */
function lineOf({ name, seconds, failure, unreachable }) {
  const times = Object.entries(seconds).map(([what, took]) => `${what} ${took.toFixed(1)} s`)
  if (failure === undefined) return `ok    ${name} (${times.join(', ')})`
  if (unreachable !== undefined) return `not run: ${name} (no registry: ${unreachable})`
  return `FAIL  ${name} (${times.join(', ')})\n${failure.replace(/^/gm, '      ')}`
}

const named = process.argv.slice(2)
const names = named.length === 0 ? projectNames() : named
const havePages = names.some((name) => PROJECTS[name]?.hasPages)
await setup({ debian: havePages ? ['chromium'] : [] })
await orFail(build())
const from = performance.now()
const say = (result) => process.stdout.write(`${lineOf(result)}\n`)
const results = await orFail(packedProjects(names, say))
const minutes = (performance.now() - from) / 60_000
const away = results.filter(({ unreachable }) => unreachable !== undefined).length
const failed = results.filter(({ failure }) => failure !== undefined).length - away
process.stdout.write(
  `\n${results.length - failed - away} projects passed, ${failed} did not, ` +
    `${away} could not run, ${minutes.toFixed(1)} min\n`,
)
process.exit(failed === 0 ? 0 : 1)
