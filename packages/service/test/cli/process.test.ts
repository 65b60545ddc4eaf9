import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connect } from 'holdfast/client'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../../../holdfast/test/support/until.ts'
import { atHome, folder, KEYS, LOGIN } from '../support.ts'

/** The program as it is installed: the built files, in a process of their own. */
const BIN = fileURLToPath(new URL('../../bin/holdfast.mjs', import.meta.url))
const OBSERVED = fileURLToPath(new URL('../main/observed.mjs', import.meta.url))
const BUILT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

beforeAll(() => {
  if (!existsSync(BUILT))
    throw new Error('These tests run what "npm run build" makes: build first.')
})

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(args: readonly string[], env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: folder(),
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = start(args, env)
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk) => {
    out += chunk
  })
  child.stderr?.on('data', (chunk) => {
    err += chunk
  })
  const [code] = await once(child, 'close')
  return { code, out, err }
}

const ENV = {
  HOLDFAST_API_KEYS: `shop:app+admin:${KEYS.app}`,
  HOLDFAST_LISTEN: '127.0.0.1:0',
  HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0',
  HOLDFAST_GATE_LISTEN: '127.0.0.1:0',
  HOLDFAST_DRAIN: '0s',
}

/** Waits for the line of the log that says where the service listens. */
function listening(child: ChildProcess): Promise<{ url: string; log: () => string }> {
  let log = ''
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      log += chunk
      const line = log.split('\n').find((text) => text.includes('"msg":"listening"'))
      if (line !== undefined) resolve({ url: JSON.parse(line).url, log: () => log })
    })
    child.once('close', () => reject(new Error(`the service did not start: ${log}`)))
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Over a connection of its own: a kept one is closed while a busy machine does other things. */
async function statusOf(url: string): Promise<number | undefined> {
  const [answer]: IncomingMessage[] = await once(get(url, { agent: false }), 'response')
  answer?.resume()
  return answer?.statusCode
}

/** The body of the first answer: a service that logs nothing does not say that it listens. */
async function untilAnswered(url: string): Promise<string> {
  for (;;) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer !== undefined) return answer.text()
    await wait(20)
  }
}

/** What a library could do at any time, on the signals that the service does not use. */
const PLANTED = `data:text/javascript,${encodeURIComponent(
  "process.on('SIGUSR2', () => { throw new Error('planted') });" +
    "process.on('SIGWINCH', () => { Promise.reject(new Error('planted')) })",
)}`

test('an error that nobody caught ends the service with a line, a rejection does not', async () => {
  const child = start(['serve'], {
    ...ENV,
    HOLDFAST_STORE: 'memory:',
    NODE_OPTIONS: `--import "${PLANTED}"`,
  })
  const { url, log } = await listening(child)
  const told = (level: number) =>
    log()
      .split('\n')
      .filter((line) => line.includes(`"level":${level}`) && line.includes('planted'))

  child.kill('SIGWINCH')
  await until('the rejection is told', () => told(50).length === 1)
  const after = await statusOf(`${url}/openapi.json`)
  child.kill('SIGUSR2')
  const [code] = await once(child, 'close')

  expect(after).toBe(200)
  expect(code).toBe(1)
  expect(told(60)).toHaveLength(1)
})

test('help, exit codes and JSON work in the real process', async () => {
  const help = await run(['--help'])
  const wrong = await run(['serv'])
  const check = await run(['config', 'check', '--json'], { HOLDFAST_POLICY: 'none' })

  expect([help.code, wrong.code, check.code]).toEqual([0, 2, 1])
  expect(help.out).toContain('serve')
  expect(wrong.err).toContain('Did you mean "holdfast serve"?')
  expect(JSON.parse(check.out).problems.map(({ field }: { field: string }) => field)).toContain(
    'HOLDFAST_POLICY',
  )
})

test('serve refuses a wrong configuration with every problem, and listens nowhere', async () => {
  const { code, out, err } = await run(['serve'], { HOLDFAST_IDLE: '2h' })

  expect(code).toBe(1)
  expect(out).toBe('')
  expect(err).toContain('HOLDFAST_IDLE_TIMEOUT')
  expect(err).toContain('apiKeys')
})

test('serve runs on LMDB, keeps its sessions over a restart, and ends on SIGTERM', async () => {
  const env = { ...ENV, HOLDFAST_STORE: `lmdb:${folder()}/store` }
  const first = start(['serve'], env)
  const { url, log } = await listening(first)
  const created = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.app}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...LOGIN, request: atHome() }),
  })
  const { token, session } = await created.json()

  first.kill('SIGTERM')
  const [code] = await once(first, 'close')
  const second = start(['serve'], env)
  const again = await listening(second)
  const shown = await run(['sessions', 'show', session.id, '--json'], {
    HOLDFAST_URL: again.url,
    HOLDFAST_KEY: KEYS.app,
  })

  expect(code).toBe(0)
  expect(log()).toContain('"msg":"stopped"')
  expect(log()).not.toContain(token)
  expect(JSON.parse(shown.out)).toMatchObject({ id: session.id, subject: 'ada' })
})

test.each([
  ['yes', ['holdfast.verify', 'POST /v1/verify'], true],
  ['no', [], false],
] as const)(
  'where an SDK is registered, the service has spans: %s',
  async (traced, names, loads) => {
    const env = { ...ENV, TRACED: traced, HOLDFAST_STORE: 'memory:' }
    const service = spawn(process.execPath, ['--import', OBSERVED, BIN, 'serve'], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void service.kill('SIGKILL'))
    let told = ''
    service.stderr?.on('data', (chunk) => {
      told += chunk
    })
    const { url } = await listening(service)

    const answer = await fetch(`${url}/v1/verify`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEYS.app}`, 'content-type': 'application/json' },
      body: JSON.stringify({ token: 'hf1.garbage', request: atHome() }),
    })
    await answer.text()
    const ended = once(service, 'close')
    service.kill('SIGTERM')

    expect((await ended)[0]).toBe(0)
    const lines = told
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.flatMap(({ span = [] }) => span)).toEqual(names)
    expect(lines.at(-1).loaded > 0).toBe(loads)
  },
)

test('a log on a full disk stops no service: it answers, counts the lines, and ends', async () => {
  const [port, management] = [await freePort(), await freePort()]
  const full = openSync('/dev/full', 'w')
  const service = spawn(process.execPath, [BIN, 'serve'], {
    cwd: folder(),
    env: {
      ...ENV,
      PATH: process.env.PATH,
      HOLDFAST_STORE: 'memory:',
      HOLDFAST_LISTEN: `127.0.0.1:${port}`,
      HOLDFAST_MANAGEMENT_LISTEN: `127.0.0.1:${management}`,
    },
    stdio: ['ignore', full, 'ignore'],
  })
  onTestFinished(() => void service.kill('SIGKILL'))
  closeSync(full)

  const metrics = await untilAnswered(`http://127.0.0.1:${management}/metrics`)
  const ended = once(service, 'close')
  service.kill('SIGTERM')

  expect(metrics).toMatch(/^holdfast_log_lines_lost_total [1-9]/m)
  expect((await ended)[0]).toBe(0)
})

test('a log that nobody reads stops no service', async () => {
  const service = start(['serve'], {
    ...ENV,
    HOLDFAST_STORE: 'memory:',
    HOLDFAST_LOG_LEVEL: 'debug',
    HOLDFAST_GUESS_LIMIT: 'off',
  })
  const { url } = await listening(service)
  service.stdout?.pause()

  // Beyond what the system keeps of an output that nobody reads: 64 kB to 208 kB.
  for (let round = 0; round < 25; round++) {
    const asked = Array.from({ length: 40 }, () => statusOf(`${url}/v1/sessions/none`))
    expect(new Set(await Promise.all(asked))).toEqual(new Set([401]))
  }
  const ended = once(service, 'exit')
  service.kill('SIGTERM')

  expect((await ended)[0]).toBe(0)
})

test('a second signal ends a service that drains at once', async () => {
  const service = start(['serve'], { ...ENV, HOLDFAST_STORE: 'memory:', HOLDFAST_DRAIN: '1h' })
  const { log } = await listening(service)
  const ended = once(service, 'close')

  service.kill('SIGTERM')
  const stopping = new Promise<void>((resolve) => {
    service.stdout?.on('data', () => {
      if (log().includes('"msg":"stopping"')) resolve()
    })
  })
  await stopping
  service.kill('SIGTERM')

  expect((await ended)[0]).toBe(1)
  expect(log()).not.toContain('"msg":"stopped"')
})

test('--version says which it is', async () => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')

  const { code, out } = await run(['--version'])

  expect(code).toBe(0)
  expect(out).toBe(`holdfast ${JSON.parse(manifest).version}\n`)
})

test('a checkout that is not built says what to do, not which module is missing', async () => {
  const checkout = folder()
  mkdirSync(join(checkout, 'bin'))
  copyFileSync(BIN, join(checkout, 'bin', 'holdfast.mjs'))

  const child = spawn(process.execPath, [join(checkout, 'bin', 'holdfast.mjs'), 'serve'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let err = ''
  child.stderr?.on('data', (chunk) => {
    err += chunk
  })
  const [code] = await once(child, 'close')

  expect(code).toBe(1)
  expect(err).toBe(
    'holdfast: this checkout is not built yet. Run "npm install && npm run build" in its root.\n',
  )
})

test('events --follow tells what happens until it is interrupted', async () => {
  const service = start(['serve'], {
    ...ENV,
    HOLDFAST_API_KEYS: `all:app+audit:${KEYS.all}`,
    HOLDFAST_STORE: 'memory:',
  })
  const { url } = await listening(service)
  const headers = { authorization: `Bearer ${KEYS.all}`, 'content-type': 'application/json' }
  const login = (): Promise<Response> =>
    fetch(`${url}/v1/sessions`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ ...LOGIN, request: atHome() }),
    })
  await login()
  const first = 'type=session-established&limit=1'
  const page = await (await fetch(`${url}/v1/events?${first}`, { headers })).json()
  const { session } = await (await login()).json()

  const wanted = ['--type', 'session-established', '--after', page.cursor]
  const follower = start(['events', '--follow', '--json', ...wanted], {
    HOLDFAST_URL: url,
    HOLDFAST_KEY: KEYS.all,
  })
  const line = await new Promise<string>((resolve, reject) => {
    let err = ''
    follower.stderr?.on('data', (chunk) => {
      err += chunk
    })
    follower.stdout?.once('data', (chunk) => resolve(String(chunk)))
    follower.once('close', (code) => reject(new Error(`it ended with ${code}: ${err}`)))
  })
  follower.kill('SIGINT')
  const [code] = await once(follower, 'close')

  expect(JSON.parse(line)).toMatchObject({ type: 'session-established', session: session.id })
  expect(code).toBe(0)
})

/** The flags of Node that a process was started with. */
const flagsOf = (pid = 0): readonly string[] =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    .split('\0')
    .filter((word) => word.startsWith('--max-'))

const OLDER = Number.parseInt(process.versions.node, 10) < 24

test('a service has more room for young objects than Node gives by itself', async () => {
  const child = start(['serve'], { ...ENV, HOLDFAST_STORE: 'memory:' })

  const { url } = await listening(child)

  const replaced = OLDER && 'execve' in process
  expect(flagsOf(child.pid)).toEqual(replaced ? ['--max-semi-space-size=32'] : [])
  expect(await statusOf(`${url}/openapi.json`)).toBe(200)
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

describe('with workers', () => {
  /** `meanwhile`: before all are ready. */
  async function crew(
    env: Record<string, string> = {},
    { count = 2, meanwhile }: { count?: number; meanwhile?: Meanwhile } = {},
  ) {
    const [port, management] = [await freePort(), await freePort()]
    const child = start(['serve', '--workers', String(count)], {
      ...ENV,
      HOLDFAST_STORE: `lmdb:${join(folder(), 'store')}`,
      HOLDFAST_LISTEN: `127.0.0.1:${port}`,
      HOLDFAST_MANAGEMENT_LISTEN: `127.0.0.1:${management}`,
      ...env,
    })
    let log = ''
    child.stdout?.on('data', (chunk) => {
      log += chunk
    })
    const managed = `http://127.0.0.1:${management}`
    const isReady = () =>
      statusOf(`${managed}/readyz`).then(
        (status) => status === 200,
        () => false,
      )
    const lines = () =>
      log
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
    await meanwhile?.(child, lines)
    await until('all are ready', isReady)
    return { child, managed, isReady, lines, url: `http://127.0.0.1:${port}` }
  }

  type Meanwhile = (
    child: ChildProcess,
    lines: () => readonly { readonly pid: number; readonly level: number; readonly msg: string }[],
  ) => Promise<void>

  /** The processes below this one. */
  const workersOf = (child: ChildProcess): readonly number[] =>
    readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number)

  test('two processes serve one port, count together and end together', async () => {
    const { child, url, managed, lines } = await crew()
    const sessions = connect({ url, key: KEYS.app })
    const created = await sessions.create({ ...LOGIN, request: atHome() })
    if (!created.ok) throw new Error(created.code)
    const verify = () => sessions.verify({ token: created.token, request: atHome() })

    const answers = await Promise.all(Array.from({ length: 40 }, verify))
    for (let i = 0; i < 10; i++) await statusOf(`${url}/openapi.json`)
    const metrics = await (await fetch(`${managed}/metrics`)).text()
    const below = workersOf(child)
    const flags = below.map(flagsOf)
    child.kill('SIGTERM')
    const [code] = await once(child, 'close')

    expect(answers.every(({ ok }) => ok)).toBe(true)
    const ofEach = OLDER ? ['--max-semi-space-size=32'] : []
    expect(flags).toEqual([ofEach, ofEach])
    expect(metrics).toMatch(/holdfast_verifications_total\{outcome="allow",code="ok"\} 40/)
    expect(metrics).toMatch(/http_request_duration_seconds_count\{[^}]*openapi[^}]*\} 10/)
    expect(code).toBe(0)
    expect(below.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
    // Every line is one, whoever wrote it.
    expect(lines().filter(({ msg }) => msg === 'stopped')).toHaveLength(2)
  })

  test('one that is killed is told and replaced, and the other serves on', async () => {
    const { child, url, managed, isReady, lines } = await crew()
    const [first = 0, second = 0] = workersOf(child)
    for (let i = 0; i < 10; i++) await statusOf(`${url}/openapi.json`)
    const countOf = (text: string): number =>
      Number(/duration_seconds_count\{[^}]*openapi[^}]*\} (\d+)/.exec(text)?.[1])
    const before = countOf(await (await fetch(`${managed}/metrics`)).text())
    expect(before).toBe(10)

    process.kill(first, 'SIGKILL')
    await until('it is told', () => lines().some(({ pid, level }) => pid === first && level === 50))
    const meanwhile = await statusOf(`${url}/openapi.json`)
    await until('both are ready again', isReady)
    const later = countOf(await (await fetch(`${managed}/metrics`)).text())

    expect(later).toBeGreaterThanOrEqual(before)
    expect(meanwhile).toBe(200)
    expect(workersOf(child)).toContain(second)
  })

  test('those that are killed while others still start are replaced', async () => {
    let killed: readonly number[] = []

    const { child } = await crew(
      {},
      {
        count: 4,
        async meanwhile(started, lines) {
          const listen = () => lines().filter(({ msg }) => msg === 'listening').length
          await until('a second one listens', () => listen() > 1)
          killed = workersOf(started).slice(1)
          for (const pid of killed) process.kill(pid, 'SIGKILL')
        },
      },
    )

    const after = workersOf(child)
    expect(after).toHaveLength(4)
    expect(after.filter((pid) => killed.includes(pid))).toEqual([])
  })

  test('a gate on a socket is shared, and its socket goes with the last of them', async () => {
    const socket = join(folder(), 'gate.sock')
    const { child } = await crew({ HOLDFAST_GATE_LISTEN: `unix:${socket}` })
    const ask = async (): Promise<number | undefined> => {
      const options = { socketPath: socket, path: '/v1/gate/forward-auth', agent: false }
      const [answer]: IncomingMessage[] = await once(get(options), 'response')
      answer?.resume()
      return answer?.statusCode
    }

    const statuses = await Promise.all([ask(), ask(), ask(), ask()])
    const mode = statSync(socket).mode & 0o777
    child.kill('SIGTERM')
    const [code] = await once(child, 'close')

    // Nobody has said what is asked for: a bad request, and not a refused connection.
    expect(new Set(statuses)).toEqual(new Set([400]))
    expect(mode).toBe(0o660)
    expect(code).toBe(0)
    expect(existsSync(socket)).toBe(false)
  })

  test('what cannot run is said once, with exit code 1', async () => {
    const memory = await run(['serve', '--workers', '2'], { ...ENV, HOLDFAST_STORE: 'memory:' })
    const wrong = await run(['serve', '--workers', 'many'], ENV)
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const store = `lmdb:${join(folder(), 'store')}`
    const busy = await run(['serve', '--workers', '2'], {
      ...{ ...ENV, HOLDFAST_STORE: store, HOLDFAST_LISTEN: `127.0.0.1:${port}` },
    })

    const unmanaged = await run(['serve', '--workers', '2'], {
      ...{ ...ENV, HOLDFAST_STORE: store, HOLDFAST_MANAGEMENT_LISTEN: `127.0.0.1:${port}` },
    })

    expect([memory.code, wrong.code, busy.code, unmanaged.code]).toEqual([1, 2, 1, 1])
    expect(unmanaged.err).toContain('HOLDFAST_MANAGEMENT_LISTEN')
    expect(memory.err).toContain('belongs to one process')
    expect(wrong.err).toContain('--workers must be "auto" or a whole number')
    expect(busy.err).toContain(`Cannot listen on 127.0.0.1:${port} (EADDRINUSE)`)
  })

  test('without their first process they end, too', async () => {
    const { child } = await crew()
    const below = workersOf(child)

    child.kill('SIGKILL')

    await until('they are gone', () => below.every((pid) => !existsSync(`/proc/${pid}`)))
  })
})
