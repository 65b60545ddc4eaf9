import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newKeyring, type RequestFacts, SessionError } from 'holdfast'
import { connect } from 'holdfast/client'
import { formatKeyring, rotateKeyring } from 'holdfast/maintenance'
import { expect, onTestFinished, vi } from 'vitest'
import { rawRequest } from '../../../../holdfast/src/contracts/adapters/raw-http.ts'
import { faultProxy } from '../../../../holdfast/test/support/fault-proxy.ts'
import { startRedis } from '../../../../holdfast/test/support/redis.ts'
import { until } from '../../../../holdfast/test/support/until.ts'
import { type Ask, folder, KEYS, type Running, running } from '../../support.ts'
import { geoFiles } from './geo.ts'
import { CAREFUL, CAREFUL_TENANT, SESSION_LIMIT } from './steps.ts'
import type { Asks, Heard, Shown, Way } from './way.ts'

/** A service that runs, with its audit log. */
export interface Served extends Way {
  readonly directory: string
  /** A file with what leaves it in the own format. */
  readonly output: string
  /** What came to standard output, where an output of the audit log writes. */
  console(): string
  close(): Promise<void>
}

/** Over HTTP, with a real Redis behind a line that can be cut. */
export async function service(eventSampling: number): Promise<Served> {
  return (await serve(eventSampling)).way
}

/** The same, where a gate judges what is presented. */
export async function gate(dialect: keyof typeof ASKED, eventSampling: number): Promise<Served> {
  const { way, run } = await serve(eventSampling)
  const ask = async (token: string, request: RequestFacts, asks: Asks, more = {}) => {
    const { method, path, reported } = ASKED[dialect](
      request,
      String(new URLSearchParams({ rotate: 'yes', ...asks })),
    )
    return rawRequest(`${run.service.gateUrl}/v1/gate/${dialect}${path}`, {
      method,
      headers: Object.entries({
        ...{ 'holdfast-key': KEYS.gate, 'x-forwarded-for': request.ip, ...request.headers },
        ...reported,
        cookie: `__Host-session=${token}; hf-client=${clientFacts(request)}`,
        ...more,
      }).map(([name, value]): [string, string] => [name, String(value)]),
    })
  }
  return {
    ...way,
    async show(token, request, asks = {}) {
      const answer = await ask(token, request, asks)
      const code = answer.status === 200 ? 'ok' : (answer.header('holdfast-code') ?? '')
      const given = answer.setCookies.flatMap((one) => /^__Host-session=(hf1[^;]+)/.exec(one) ?? [])
      return { code, token: given[1] ?? token }
    },
    async crossSite(token) {
      const request: RequestFacts = { ip: '192.0.2.10', method: 'POST', url: '/pay', headers: {} }
      const site = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }
      const answer = await ask(token, request, {}, site)
      expect(answer.header('holdfast-code')).toBe('cross_site_request')
    },
  }
}

/** How a proxy asks about a request, with the options of its route. */
const ASKED = {
  'forward-auth': ({ method, url }: RequestFacts, options: string) => ({
    ...{ method: 'GET', path: `?${options}` },
    reported: {
      ...{ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'shop.example' },
      ...{ 'x-forwarded-method': method, 'x-forwarded-uri': url },
    },
  }),
  'auth-request': ({ method, url }: RequestFacts, options: string) => ({
    ...{ method: 'GET', path: `?${options}` },
    reported: { 'x-original-method': method, 'x-original-url': `https://shop.example${url}` },
  }),
  'ext-authz': ({ method, url }: RequestFacts, options: string) => ({
    ...{ method, path: `/${options}${url}` },
    reported: { host: 'shop.example', 'x-forwarded-proto': 'https' },
  }),
} as const

function clientFacts({ client = {} }: RequestFacts): string {
  return `s=${client.screen ?? '1x1'}&z=${client.timezone ?? 'UTC'}`
}

async function serve(
  eventSampling: number,
): Promise<{ readonly way: Served; readonly run: Running }> {
  const files = folder()
  const geo = geoFiles(files)
  const redis = await startRedis()
  const line = await faultProxy()
  line.lead(redis.port)
  onTestFinished(async () => {
    await line.close()
    await redis.close()
  })
  const directory = join(files, 'audit')
  const output = join(files, 'copy.jsonl')
  const console = standardOutput()
  let ring = newKeyring()
  const ringPath = join(files, 'ring.json')
  writeFileSync(ringPath, formatKeyring(ring), { mode: 0o600 })
  const run = await running({
    HOLDFAST_STORE: `redis://127.0.0.1:${line.port}`,
    HOLDFAST_STORE_TIMEOUT: '5s',
    HOLDFAST_KEYRING: ringPath,
    HOLDFAST_AUDIT_DIRECTORY: directory,
    HOLDFAST_AUDIT_OUTPUTS: JSON.stringify([
      { name: 'console', type: 'stdout', personal: 'full' },
      { name: 'copy', type: 'file', path: output, format: 'json', personal: 'full' },
    ]),
    HOLDFAST_EVENT_SAMPLING: String(eventSampling),
    HOLDFAST_SESSION_LIMIT: String(SESSION_LIMIT),
    HOLDFAST_SESSION_LIMIT_BEYOND: 'refuse',
    HOLDFAST_TENANT_POLICIES: JSON.stringify({ [CAREFUL_TENANT]: CAREFUL }),
    HOLDFAST_ORIGINS: 'https://shop.example',
    HOLDFAST_GEO_CITY: geo.city,
    HOLDFAST_GEO_ASN: geo.asn,
  })
  const sessions = connect({ url: run.service.url, key: KEYS.app, timeout: '30s' })

  async function operate(method: string, path: string, more: Ask = {}): Promise<void> {
    const { status } = await run.call(method, path, { key: KEYS.admin, ...more })
    expect(status).toBeLessThan(300)
  }

  const body = { reason: 'stolen_laptop' }
  const isReady = async (): Promise<boolean> =>
    (await fetch(`${run.service.managementUrl}/readyz`)).status === 200

  const way: Served = {
    directory,
    output,
    close: () => run.service.close(),
    sessions,
    async show(token, request, asks) {
      return shown(() => sessions.verify({ token, request, deliverable: true, ...asks }), token)
    },
    advance: run.host.advance,
    operator: {
      look: (session) => operate('GET', `/v1/sessions/${session}`),
      list: (subject) => operate('GET', `/v1/subjects/${subject}/sessions`),
      end: (session) => operate('POST', `/v1/sessions/${session}/revoke`, { body }),
      endAll: (subject) => operate('POST', `/v1/subjects/${subject}/revoke`, { body }),
      patch: (session) =>
        operate('PATCH', `/v1/sessions/${session}/attributes`, {
          body: { note: 'called' },
          headers: { 'if-match': '"0"' },
        }),
    },
    async rotateKeys() {
      ring = rotateKeyring(ring)
      writeFileSync(`${ringPath}.new`, formatKeyring(ring), { mode: 0o600 })
      renameSync(`${ringPath}.new`, ringPath)
      await until('the ring is taken up', () => heardIn(run.log()).some(isKeyRotated))
    },
    async outage(work) {
      // The store answers in order: what was on its way to it is kept then.
      await isReady()
      line.weather({ kind: 'down' })
      await work()
      line.weather({ kind: 'clear' })
      await until('the store is back', isReady)
    },
    heard: () => heardIn(run.log()),
    console,
    written() {
      const paths = readdirSync(directory).map((name) => join(directory, name))
      const texts = [...paths, output].map((path) => readFileSync(path, 'latin1'))
      return [run.log(), console(), ...texts].join('\n')
    },
  }
  await until('it is ready', isReady)
  await until('its policy is told', () => heardIn(run.log()).length === 1)
  return { way, run }
}

/** What this process and its threads write to standard output from now on. */
function standardOutput(): () => string {
  const texts: string[] = []
  const output = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    texts.push(String(text))
    return true
  })
  onTestFinished(() => output.mockRestore())
  return () => texts.join('')
}

async function shown(
  verify: () => ReturnType<Way['sessions']['verify']>,
  token: string,
): Promise<Shown> {
  try {
    const answer = await verify()
    return answer.ok ? { code: 'ok', token: answer.token ?? token } : { code: answer.code, token }
  } catch (error) {
    if (error instanceof SessionError) return { code: error.code, token }
    throw error
  }
}

const isKeyRotated = ({ type }: Heard): boolean => type === 'key-rotated'

/** What the log of the process tells of events. */
function heardIn(log: string): readonly Heard[] {
  return log
    .split('\n')
    .filter((line) => line.includes('"event_id"'))
    .map((line) => JSON.parse(line))
    .map(({ event: type, event_id: id, reason, subject }) => ({ id, type, reason, subject }))
}
