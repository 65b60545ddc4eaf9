import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../../../holdfast/test/support/until.ts'
import { KEYS } from '../support.ts'

/** A real gateway in front of an application, as docs/gateways configures it. */
export interface Edge {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** What a configuration names and a test has elsewhere. */
export interface Places {
  /** `host:port` of the gate. */
  readonly gate: string
  readonly app: string
  readonly key?: string
  /** Answers are late after 0.3 s already, instead of the documented 10 s. */
  readonly hurried?: boolean
}

/** Every gateway that runs here. */
export const EDGES: readonly {
  readonly name: string
  start(places: Places): Promise<Edge>
  /** Where its documented files say how long it waits for the authority, at most a second. */
  readonly patience: { readonly file: string; readonly setting: RegExp }
  /** Where they say until when an answer brings the session's cookie. */
  readonly delivery: { readonly file: string; readonly setting: RegExp }
}[] = [
  {
    name: 'nginx',
    start: startNginx,
    patience: { file: 'nginx.conf', setting: /proxy_read_timeout +1s;/ },
    delivery: {
      file: 'nginx.conf',
      setting:
        /map \$request_time \$holdfast_delivered \{\n.*'';\n.*\n +'~\^\\d\\.' \$holdfast_cookie;/,
    },
  },
  {
    name: 'Caddy',
    start: startCaddy,
    patience: { file: 'Caddyfile', setting: /response_header_timeout 1s\n/ },
    delivery: { file: 'Caddyfile', setting: /\{http\.request\.duration_ms\} < 10000\.0`\n/ },
  },
  {
    name: 'HAProxy',
    start: startHaproxy,
    patience: { file: 'holdfast.lua', setting: /TIMEOUT_MS = 250\n/ },
    delivery: { file: 'holdfast.lua', setting: /DELIVERY_MS = 10000\n/ },
  },
]

const GATE = /127\.0\.0\.1:4602/g
const APP = /127\.0\.0\.1:8080/g

type Change = readonly [RegExp, string]

/** The text of a documented file with the places of a test; each of them has to be in it. */
export function documented(file: string, changes: readonly Change[] = []): string {
  let text = readFileSync(
    fileURLToPath(new URL(`../../../../docs/gateways/${file}`, import.meta.url)),
    'utf8',
  )
  for (const [pattern, value] of changes) {
    if (text.search(pattern) < 0) throw new Error(`docs/gateways/${file} has no ${pattern}`)
    text = text.replace(pattern, value)
  }
  return text
}

/** The documented ten seconds as 0.3 s, for tests that do not wait as long. */
function late(hurried: boolean | undefined, documented: RegExp, short: string): Change[] {
  return hurried === true ? [[documented, short]] : []
}

async function startNginx({ gate, app, key = KEYS.gate, hurried }: Places): Promise<Edge> {
  const { folder, port } = await place()
  const site = documented('nginx.conf', [
    [GATE, gate],
    [APP, app],
    [/KEY-OF-THE-GATEWAY/, key],
    [/listen 443 ssl;/, `listen 127.0.0.1:${port};`],
    [/ssl_certificate .*\n/, ''],
    [/ssl_certificate_key .*\n/, ''],
    ...late(hurried, /'~\^\\d\\\.'/, "'~^0\\.[0-2]'"),
  ])
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    join(folder, 'nginx.conf'),
    [
      `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr warn;`,
      'events { worker_connections 256; }',
      'http {',
      'access_log off;',
      ...temporary.map((name) => `${name}_temp_path ${folder}/${name};`),
      site,
      '}',
    ].join('\n'),
  )
  return launch('nginx', ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')], {
    folder,
    port,
  })
}

async function startCaddy({ gate, app, key = KEYS.gate, hurried }: Places): Promise<Edge> {
  const { folder, port } = await place()
  const site = documented('Caddyfile', [
    [GATE, gate],
    [APP, app],
    [/^shop\.example \{/m, `http://:${port} {`],
    ...late(hurried, /duration_ms\} < 10000\.0/, 'duration_ms} < 300.0'),
  ])
  const global = '{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n'
  writeFileSync(join(folder, 'Caddyfile'), global + site)
  const args = ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile']
  return launch('caddy', args, {
    folder,
    port,
    env: { HOLDFAST_KEY: key, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  })
}

async function startHaproxy({ gate, app, key = KEYS.gate, hurried }: Places): Promise<Edge> {
  const { folder, port } = await place()
  writeFileSync(
    join(folder, 'holdfast.lua'),
    documented('holdfast.lua', [
      [GATE, gate],
      ...late(hurried, /DELIVERY_MS = 10000/, 'DELIVERY_MS = 300'),
    ]),
  )
  writeFileSync(
    join(folder, 'haproxy.cfg'),
    documented('haproxy.cfg', [
      [APP, app],
      [/lua-load holdfast\.lua/, `lua-load ${folder}/holdfast.lua`],
      [/bind :443 ssl .*/, `bind 127.0.0.1:${port}`],
    ]),
  )
  return launch('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], {
    folder,
    port,
    env: { HOLDFAST_KEY: key },
  })
}

async function place(): Promise<{ readonly folder: string; readonly port: number }> {
  return { folder: mkdtempSync(join(tmpdir(), 'holdfast-edge-')), port: await freePort() }
}

/**
 * One that nobody listens at now, below those that the system gives out; these gateways cannot be
 * told to choose.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/**
 * The shell in front of a program reads from us until we end, however we end: then it ends the
 * program, so that none is left behind.
 */
const GUARD = '"$@" & program=$!; cat >/dev/null; kill -9 $program; wait $program 2>/dev/null'

async function launch(
  program: string,
  args: readonly string[],
  { folder, port, env = {} }: { folder: string; port: number; env?: Record<string, string> },
): Promise<Edge> {
  const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`
  const guard = spawn('sh', ['-c', GUARD, 'guard', program, ...args], {
    cwd: folder,
    env: { PATH, ...env },
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let said = ''
  guard.stderr?.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-4_000)
  })
  const close = async (): Promise<void> => {
    await ended(guard)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until(`${program} answers`, () => guard.exitCode !== null || answers(port))
  } catch (error) {
    await close()
    throw new Error(`${program} did not start: ${said}`, { cause: error })
  }
  if (guard.exitCode !== null) {
    await close()
    throw new Error(`${program} did not start: ${said}`)
  }
  return { url: `http://127.0.0.1:${port}`, port, close }
}

async function answers(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' })
    await answer.arrayBuffer()
    return true
  } catch {
    return false
  }
}

function ended(guard: ChildProcess): Promise<void> {
  if (guard.exitCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    guard.once('exit', () => resolve())
    guard.stdin?.end()
  })
}
