import { request } from 'node:http'
import type { ThiefPreset } from '../demo/thief-presets.ts'
import { CLOCK_COOKIE, PLACE_COOKIE } from '../edge/edge.ts'
import { LOOPBACK } from '../listen.ts'
import type { Loot } from './drawer.ts'

/** What a thief may try with the cookie. */
export const TARGETS = {
  browse: { method: 'GET', path: '/api/catalogue/products' },
  orders: { method: 'GET', path: '/api/orders' },
  order: {
    method: 'POST',
    path: '/api/orders',
    body: JSON.stringify({ items: [{ product: 'lantern', count: 8 }] }),
  },
} as const satisfies Record<string, { method: string; path: string; body?: string }>

export type Target = keyof typeof TARGETS

export interface Replayed {
  readonly status: number
  /** The stable code of the refusal; null when there was none. */
  readonly code: string | null
  /** The request as it went out, the secret shortened. */
  readonly request: string
  /** The loot with what the answer changed: thieves keep their copy fresh. */
  readonly loot: Loot
}

const TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 256 * 1024

/**
 * Sends a real request with the copied cookie through the simulated edge, from the preset's place.
 */
export async function replay(options: {
  readonly edgePort: number
  readonly origin: string
  readonly loot: Loot
  readonly preset: ThiefPreset
  readonly target: Target
}): Promise<Replayed> {
  const { loot, preset, target, origin } = options
  const { method, path, ...rest } = TARGETS[target]
  const body = 'body' in rest ? rest.body : undefined
  const cloned = preset.browser === 'cloned'
  const shown = {
    host: new URL(origin).host,
    ...(preset.browser === 'cloned' ? loot.headers : preset.browser.headers),
    // Headers are the sender's to choose: nothing keeps a thief from claiming to be the shop's own
    // page.
    ...(body === undefined
      ? {}
      : { origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }),
  }
  const cookie = [
    loot.session,
    ...(cloned && loot.facts !== undefined ? [loot.facts] : []),
    `${PLACE_COOKIE}=${preset.place.id}`,
    `${CLOCK_COOKIE}=stay`,
  ].join('; ')

  const port = options.edgePort
  const answer = await send({ port, method, path, headers: { ...shown, cookie }, body })
  const session = refreshed(loot.session, answer.setCookies)
  if (session !== loot.session) {
    // A thief with a new secret goes on with it: from now on the shop has seen it used.
    const next = cookie.replace(loot.session, session)
    await send({ port, ...TARGETS.orders, headers: { ...shown, cookie: next }, body: undefined })
  }
  return {
    status: answer.status,
    code: codeIn(answer.text),
    request: [
      `${method} ${path} HTTP/1.1`,
      ...Object.entries(shown).map(([name, value]) => `${name}: ${value}`),
      `cookie: ${shortened(loot.session)}`,
      ...(body === undefined ? [] : ['', body]),
    ].join('\n'),
    loot: { ...loot, session },
  }
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly setCookies: readonly string[]
}

function send(options: {
  readonly port: number
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { body, ...rest } = options
    const sent = request(
      { host: LOOPBACK, ...rest, timeout: TIMEOUT_MS, agent: false },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => {
          if (text.length < MAX_ANSWER_BYTES) text += chunk
        })
        answer.on('error', reject)
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            text,
            setCookies: answer.headers['set-cookie'] ?? [],
          }),
        )
      },
    )
    sent.on('timeout', () => sent.destroy(new Error('the shop did not answer in time')))
    sent.on('error', reject)
    sent.end(body)
  })
}

function codeIn(text: string): string | null {
  try {
    const body: unknown = JSON.parse(text)
    const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : null
    return typeof code === 'string' ? code : null
  } catch {
    return null // not JSON: no code
  }
}

/** The cookie after an answer that set it anew; one that expires it changes nothing for a thief. */
function refreshed(cookie: string, setCookies: readonly string[]): string {
  const name = cookie.slice(0, cookie.indexOf('=') + 1)
  const fresh = setCookies
    .map((line) => line.split(';', 1)[0] ?? '')
    .find((pair) => pair.startsWith(name) && pair.length > name.length)
  return fresh ?? cookie
}

function shortened(cookie: string): string {
  return cookie.length <= 40 ? cookie : `${cookie.slice(0, 36)}…`
}
