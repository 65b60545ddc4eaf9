import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The generation that a browser showed; null without such a cookie. */
export interface Shown {
  readonly lasting: number | null
  /** The cookie without `Max-Age`. */
  readonly session: number | null
}

/** What a visit is to do. */
export interface Pages {
  /** Waits between page loads, ms: one more load than waits. Each load sets both cookies anew. */
  readonly waits: readonly number[]
  /** Further `Set-Cookie` lines with each answer. */
  readonly fillers: number
}

export interface Visit {
  readonly url: string
  /** What the first request of the visit showed. */
  readonly first: Promise<Shown>
  /** The last page came back with what it had set. */
  readonly last: Promise<Done>
}

export interface Done {
  readonly newest: number
  /** When each `Set-Cookie` of the visit was sent (`performance.now()`), oldest first. */
  readonly sets: readonly number[]
}

/** A site that numbers what it sets, for one profile. */
export interface Site {
  visit(pages: Pages): Visit
  close(): void
}

const LASTING_S = 30 * 24 * 3600

export async function startSite(): Promise<Site> {
  let generation = 0
  let visits = 0
  let answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined

  const server = createServer((request, response) => {
    response.setHeader('Cache-Control', 'no-store')
    response.setHeader('Content-Type', 'text/html')
    if (answer === undefined) response.end()
    else answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    visit({ waits, fillers }) {
      const path = `/${++visits}`
      const first = promised<Shown>()
      const last = promised<Done>()
      let loads = 0
      const sets: number[] = []

      answer = (request, response) => {
        const shown = shownBy(request)
        if (request.url === `${path}/seen`) {
          if (loads > waits.length && shown.lasting === generation)
            last.resolve({ newest: generation, sets })
          response.end()
          return
        }
        // Pages of earlier visits, which the browser restores, get nothing.
        if (request.url !== path || loads > waits.length) {
          response.end(page(''))
          return
        }
        first.resolve(shown)
        const wait = waits[loads++]
        generation++
        response.setHeader('Set-Cookie', cookies(generation, fillers))
        response.once('finish', () => {
          sets.push(performance.now())
        })
        response.end(
          page(
            wait === undefined
              ? `fetch('${path}/seen')`
              : `setTimeout(() => location.reload(), ${Math.round(wait)})`,
          ),
        )
      }
      return { url: `http://127.0.0.1:${port}${path}`, first: first.promise, last: last.promise }
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function cookies(generation: number, fillers: number): readonly string[] {
  return [
    `lasting=${generation}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${LASTING_S}`,
    `session=${generation}; Path=/; HttpOnly; SameSite=Lax`,
    ...Array.from({ length: fillers }, (_, i) => `filler=${i}; Path=/; Max-Age=${LASTING_S}`),
  ]
}

function page(script: string): string {
  return `<!doctype html><link rel="icon" href="data:,"><script>${script}</script>`
}

function shownBy({ headers: { cookie = '' } }: IncomingMessage): Shown {
  const of = (name: string): number | null => {
    const found = new RegExp(`(?:^|; )${name}=(\\d+)`).exec(cookie)
    return found === null ? null : Number(found[1])
  }
  return { lasting: of('lasting'), session: of('session') }
}

function promised<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
