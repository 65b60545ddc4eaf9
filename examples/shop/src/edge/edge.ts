import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { ownPath } from 'holdfast/express'
import { findPlace, type Place } from '../demo/places.ts'
import { forwardable, relay } from '../relay.ts'
import { readCookie, withoutCookies } from './cookies.ts'

export const PLACE_COOKIE = 'edge_place'
export const CLOCK_COOKIE = 'edge_clock'

/** What an outside client may say of itself is not what the edge says of it. */
const CLAIMS = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]

const MAX_FORM_BYTES = 1024

/**
 * The internet in a box: one hop in front of the gateway that gives each request a public address
 * in the place which the client chose. The gateway trusts this hop and no other.
 */
export function edge(options: {
  /** Asked at each request: the gateway may start after the edge. */
  readonly gatewayPort: () => number
  readonly defaultPlace: Place
  /** Sets the time zone in the page's client facts to that of the place. */
  readonly setClock: (cookieHeader: string, timezone: string) => string
}): Server {
  return createServer((request, response) => {
    if (request.url === '/edge/place' && request.method === 'POST') {
      void travel(request, response)
      return
    }
    const cookies = request.headers.cookie ?? ''
    const place = findPlace(readCookie(cookies, PLACE_COOKIE)) ?? options.defaultPlace
    relay(request, response, {
      port: options.gatewayPort(),
      path: request.url ?? '/',
      headers: {
        ...forwardable(withoutClaims(request)),
        cookie: onward(cookies, place),
        'x-forwarded-for': place.address,
      },
    })
  })

  function onward(cookies: string, place: Place): string {
    const rest = withoutCookies(cookies, [CLOCK_COOKIE])
    return readCookie(cookies, CLOCK_COOKIE) === 'stay'
      ? rest
      : options.setClock(rest, place.timezone)
  }
}

function withoutClaims({ headers }: IncomingMessage): IncomingMessage['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !CLAIMS.includes(name)))
}

async function travel(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const form = await readForm(request)
  const place = findPlace(form?.get('place') ?? undefined)
  if (form === undefined || place === undefined) {
    response.writeHead(400, { 'content-type': 'text/plain' }).end('No such place.\n')
    return
  }
  const next = form.get('next') ?? '/'
  const attributes = 'Path=/; Secure; HttpOnly; SameSite=Lax'
  response
    .writeHead(303, {
      location: ownPath(next),
      'set-cookie': [
        `${PLACE_COOKIE}=${place.id}; ${attributes}`,
        `${CLOCK_COOKIE}=${form.get('clock') === 'follow' ? 'follow' : 'stay'}; ${attributes}`,
      ],
      'cache-control': 'no-store',
    })
    .end()
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  let text = ''
  try {
    for await (const chunk of request) {
      text += String(chunk)
      if (text.length > MAX_FORM_BYTES) return undefined
    }
  } catch {
    return undefined // the client went away: nobody is left to answer
  }
  return new URLSearchParams(text)
}
