import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newKeyring } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { formatSigningKeys, newSigningKeys } from 'holdfast/tokens'
import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../holdfast/test/support/redis.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import { folder, KEYS, LOGIN } from '../support.ts'
import { echoApp } from './app.ts'
import { EDGES, type Edge } from './edges.ts'
import { CHROME, cookieOf } from './gates.ts'
import { visit } from './site.ts'

const BIN = fileURLToPath(new URL('../../bin/holdfast.mjs', import.meta.url))
const WORKERS = 8
const ROUNDS = 25

/** `holdfast serve` in a process of its own. */
interface Program {
  readonly child: ChildProcess
  readonly url: string
  /** `host:port` of the gate. */
  readonly gate: string
}

/** What several processes of one estate have in common. */
async function estate(): Promise<Record<string, string>> {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const dir = folder()
  const files = { ring: join(dir, 'ring.json'), signing: join(dir, 'signing.json') }
  writeFileSync(files.ring, formatKeyring(newKeyring()), { mode: 0o600 })
  writeFileSync(files.signing, formatSigningKeys(newSigningKeys()), { mode: 0o600 })
  return {
    HOLDFAST_STORE: `redis://127.0.0.1:${redis.port}`,
    HOLDFAST_API_KEYS: `shop:app:${KEYS.app},edge:gate:${KEYS.gate}`,
    HOLDFAST_KEYRING: files.ring,
    HOLDFAST_SIGNING_KEYS: files.signing,
    HOLDFAST_ISSUER: 'https://auth.example',
    HOLDFAST_AUDIENCES: '{ app: {} }',
    HOLDFAST_LISTEN: '127.0.0.1:0',
    HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0',
    HOLDFAST_GATE_LISTEN: '127.0.0.1:0',
    HOLDFAST_DRAIN: '2s',
  }
}

async function serve(env: Record<string, string>): Promise<Program> {
  const child = spawn(process.execPath, [BIN, 'serve'], {
    cwd: folder(),
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let log = ''
  const { url, gate } = await new Promise<{ url: string; gate: string }>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      log += chunk
      const line = log.split('\n').find((text) => text.includes('"msg":"listening"'))
      if (line !== undefined) resolve(JSON.parse(line))
    })
    child.once('close', () => reject(new Error(`the service did not start: ${log}`)))
  })
  return { child, url, gate: new URL(gate).host }
}

async function login({ url }: Program): Promise<string> {
  const request = {
    ip: '127.0.0.1',
    method: 'POST',
    url: '/login',
    headers: { 'user-agent': CHROME },
  }
  const answer = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.app}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...LOGIN, request }),
  })
  return (await answer.json()).token
}

async function edgeTo(start: (typeof EDGES)[number]['start'], gate: string): Promise<Edge> {
  const app = await echoApp()
  onTestFinished(() => app.close())
  const edge = await start({ gate, app: app.address })
  onTestFinished(() => edge.close())
  return edge
}

async function end({ child }: Program, signal: NodeJS.Signals): Promise<void> {
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

test('SIGTERM of one of two processes under load behind nginx fails no request', async () => {
  const env = await estate()
  const [one, other] = await Promise.all([serve(env), serve(env)])
  const nginx = EDGES.find(({ name }) => name === 'nginx')
  if (nginx === undefined) throw new Error('nginx is needed')
  const edge = await edgeTo(nginx.start, `${one.gate};\n  server ${other.gate}`)
  const headers = { cookie: cookieOf(await login(one)), 'user-agent': CHROME }
  const done = Array.from({ length: WORKERS }, () => 0)
  const failed: unknown[] = []
  let over = false

  async function work(worker: number): Promise<void> {
    while (!over) {
      // keep-alive, as browsers have it
      const { status } = await fetch(`${edge.url}/orders`, { headers }).then(async (answer) => {
        await answer.arrayBuffer()
        return answer
      })
      if (status !== 200) failed.push(status)
      done[worker] = (done[worker] ?? 0) + 1
    }
  }
  async function goOn(): Promise<void> {
    const goal = done.map((rounds) => rounds + ROUNDS)
    await until('every worker goes on', () =>
      Promise.resolve(done.every((rounds, worker) => rounds >= (goal[worker] ?? 0))),
    )
  }

  const working = Promise.all(done.map((_, worker) => work(worker)))
  await goOn()
  await end(one, 'SIGTERM')
  await goOn()
  over = true
  await working

  expect(failed).toEqual([])
  expect(one.child.exitCode).toBe(0)
  expect(Math.min(...done)).toBeGreaterThanOrEqual(2 * ROUNDS)
})

test.each(EDGES)(
  'a killed service is 503 behind $name, expires no cookie, and comes back by itself',
  async ({ start }) => {
    const env = await estate()
    const program = await serve(env)
    const edge = await edgeTo(start, program.gate)
    const headers = { cookie: cookieOf(await login(program)), 'sec-fetch-mode': 'navigate' }
    const before = await visit(edge, '/orders', { headers })

    await end(program, 'SIGKILL')
    const down = await Promise.all(
      Array.from({ length: 5 }, () => visit(edge, '/orders', { headers })),
    )
    await serve({ ...env, HOLDFAST_GATE_LISTEN: program.gate })
    const after: number[] = []
    await until('the gateway finds the service', async () => {
      const { status } = await visit(edge, '/orders', { headers })
      after.push(status)
      return status === 200
    })

    expect(before.status).toBe(200)
    for (const answer of down) {
      expect(answer.status).toBe(503)
      expect(answer.header('retry-after')).toBe('1')
      expect(answer.setCookies).toEqual([])
    }
    expect(after.filter((status) => status !== 200 && status !== 503)).toEqual([])
  },
)
