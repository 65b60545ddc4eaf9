import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { loadConfig, type Service, startService } from '@holdfast/service'
import { newKeyring } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { formatSigningKeys, newSigningKeys } from 'holdfast/tokens'
import type { Place } from '../contender-process.ts'
import { REQUEST, userOf } from '../facts.ts'
import type { Ask } from './load.ts'

/**
 * `bare` takes the same body, and answers as much text without looking at anything. `hot`: with
 * local copies.
 */
export type AuthorityKind = 'bare' | 'hot' | 'strict'

export type AuthorityWord =
  | {
      readonly kind: 'ready'
      readonly port: number
      readonly single: readonly Ask[]
      readonly batches: readonly Ask[]
      /** Where gateways ask, and what. */
      readonly gatePort: number
      readonly gates: readonly Ask[]
    }
  | { readonly kind: 'cpu'; readonly micros: number }
  | { readonly kind: 'failed'; readonly why: string }

/** Verifications in one request of a batch. */
const BATCH = 32

const VISITORS = 192
const KEY = 'a-key-of-the-bench'
const VERIFY = '/v1/verify'

process.on('disconnect', () => process.exit())
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  say({ kind: 'cpu', micros: user + system })
})
const [, , kind, place = '{}'] = process.argv
start(kind as AuthorityKind, JSON.parse(place)).then(say, (error: Error) =>
  say({ kind: 'failed', why: error.message }),
)

async function start(kind: AuthorityKind, place: Place): Promise<AuthorityWord> {
  if (kind === 'bare') {
    const answer = `{"answer":"${'x'.repeat(440)}"}`
    const url = await bareOn(answer)
    const body = bodyOf('x'.repeat(130))
    const ask = { request: requestOf(url, VERIFY, body), expected: answer.slice(-END) }
    const port = Number(url.port)
    const gates = [gateAsk(url, 'x'.repeat(130))]
    return { kind: 'ready', port, single: [ask], batches: [], gatePort: port, gates }
  }
  const service = await serviceOn(kind, place)
  const url = new URL(service.url)
  const gate = new URL(service.gateUrl ?? '')
  const tokens: string[] = []
  for (let turn = 0; turn < VISITORS; turn++) tokens.push(await tokenOf(url, userOf(turn)))
  const bodies = tokens.map(bodyOf)
  const batches = Array.from({ length: VISITORS / BATCH }, (_, at) =>
    bodies.slice(at * BATCH, (at + 1) * BATCH),
  ).map((some) => `{"presented":[${some.join(',')}]}`)
  return {
    kind: 'ready',
    port: Number(url.port),
    single: await asksOf(url, VERIFY, bodies),
    batches: await asksOf(url, `${VERIFY}/batch`, batches),
    gatePort: Number(gate.port),
    gates: tokens.map((token) => gateAsk(gate, token)),
  }
}

/** Long enough to tell sessions apart. */
const END = 80

/** As long as what a gate lets pass with. */
const BEARER = `Bearer ${'x'.repeat(620)}`

async function bareOn(answer: string): Promise<URL> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.method === 'GET') {
        response.writeHead(200, { authorization: BEARER, 'content-length': 0 }).end()
        return
      }
      JSON.parse(Buffer.concat(chunks).toString())
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(answer),
      })
      response.end(answer)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('There is no port.')
  return new URL(`http://127.0.0.1:${address.port}`)
}

/** With its log, as in production. */
async function serviceOn(
  kind: Exclude<AuthorityKind, 'bare'>,
  { folder, redisPort }: Place,
): Promise<Service> {
  const secrets = mkdtempSync(join(folder, `${kind}-`))
  const keyring = join(secrets, 'keyring.json')
  const signingKeys = join(secrets, 'signing-keys.json')
  writeFileSync(keyring, formatKeyring(newKeyring()), { mode: 0o600 })
  writeFileSync(signingKeys, formatSigningKeys(newSigningKeys()), { mode: 0o600 })
  const env = {
    HOLDFAST_API_KEYS: `bench:app+gate:${KEY}`,
    HOLDFAST_LISTEN: '127.0.0.1:0',
    HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0',
    HOLDFAST_GATE_LISTEN: '127.0.0.1:0',
    HOLDFAST_SIGNING_KEYS: signingKeys,
    HOLDFAST_AUDIENCES: '{ app: {} }',
    HOLDFAST_ISSUER: 'https://auth.example',
    // a database for each: they have rings of their own
    HOLDFAST_STORE: `redis://127.0.0.1:${redisPort}/${kind === 'hot' ? 1 : 2}`,
    HOLDFAST_KEYRING: keyring,
    HOLDFAST_LOCAL_COPIES: String(kind === 'hot'),
  }
  return startService(loadConfig({ env }))
}

async function tokenOf(url: URL, subject: string): Promise<string> {
  const login = { subject, request: REQUEST, amr: ['pwd'], factors: ['otp'] }
  const text = await post(url, '/v1/sessions', JSON.stringify(login))
  const { token }: { token?: string } = JSON.parse(text)
  if (token === undefined) throw new Error('A login brought no token.')
  return token
}

/** What a body is answered is known after asking: it names the session by its form token. */
async function asksOf(url: URL, path: string, bodies: readonly string[]): Promise<readonly Ask[]> {
  const asks: Ask[] = []
  for (const body of bodies) {
    const answer = await post(url, path, body)
    if (answer.includes('"ok":false')) throw new Error('A verification was refused.')
    asks.push({ request: requestOf(url, path, body), expected: answer.slice(-END) })
  }
  return asks
}

async function post(url: URL, path: string, body: string): Promise<string> {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }
  return (await fetch(new URL(path, url), { method: 'POST', headers, body })).text()
}

function bodyOf(token: string): string {
  return JSON.stringify({ token, request: REQUEST, deliverable: true })
}

function requestOf(url: URL, path: string, body: string): string {
  const lines = [
    `POST ${path} HTTP/1.1`,
    `host: ${url.host}`,
    `authorization: Bearer ${KEY}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

/**
 * What nginx, Caddy or HAProxy would ask before they let a page be fetched. Answers are headers
 * alone: all end alike.
 */
function gateAsk(url: URL, token: string): Ask {
  const { headers, ip } = REQUEST
  const lines = [
    'GET /v1/gate/forward-auth?audience=app HTTP/1.1',
    `host: ${url.host}`,
    `holdfast-key: ${KEY}`,
    'x-forwarded-method: GET',
    'x-forwarded-proto: https',
    'x-forwarded-host: shop.example',
    'x-forwarded-uri: /orders',
    `x-forwarded-for: ${ip}`,
    `cookie: __Host-session=${token}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return { request: `${lines.join('\r\n')}\r\n\r\n`, expected: '\r\n\r\n' }
}

function say(word: AuthorityWord): void {
  process.send?.(word)
}
