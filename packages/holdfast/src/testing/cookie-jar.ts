/** A cookie as `addCookies` of Playwright takes it. */
export interface BrowserCookie {
  readonly name: string
  readonly value: string
  readonly url: string
  readonly httpOnly: boolean
  readonly secure: boolean
  readonly sameSite: 'Strict' | 'Lax' | 'None'
}

/** The cookies that one browser keeps of one site. */
export interface CookieJar {
  /** Takes over `Set-Cookie` lines. */
  keep(setCookies: readonly string[]): void
  /** The `Cookie` header of a request to a path; empty where there is none. */
  header(path: string): string
  cookies(url: string): readonly BrowserCookie[]
  copy(): CookieJar
}

interface Kept {
  readonly value: string
  readonly attributes: ReadonlyMap<string, string>
}

/** Paths are looked at, hosts and lifetimes are not: a test has one site and little time. */
export function cookieJar(from: ReadonlyMap<string, Kept> = new Map()): CookieJar {
  const kept = new Map(from)

  return {
    keep(setCookies) {
      for (const line of setCookies) {
        const { name, ...cookie } = parseSetCookie(line)
        if (isExpired(cookie)) kept.delete(name)
        else kept.set(name, cookie)
      }
    },
    header: (path) =>
      [...kept]
        .filter(([, cookie]) => reaches(cookie, path))
        .map(([name, { value }]) => `${name}=${value}`)
        .join('; '),
    cookies: (url) =>
      [...kept].map(([name, { value, attributes }]) => ({
        name,
        value,
        url: urlOf(attributes, url),
        httpOnly: attributes.has('httponly'),
        secure: attributes.has('secure'),
        sameSite: sameSiteOf(attributes.get('samesite')),
      })),
    copy: () => cookieJar(kept),
  }
}

function parseSetCookie(line: string): Kept & { readonly name: string } {
  const [pair = '', ...rest] = line.split(';')
  const equals = pair.indexOf('=')
  const attributes = rest.map((part) => {
    const at = part.indexOf('=')
    const name = at < 0 ? part : part.slice(0, at)
    return [name.trim().toLowerCase(), at < 0 ? '' : part.slice(at + 1).trim()] as const
  })
  return {
    name: pair.slice(0, Math.max(0, equals)).trim(),
    value: pair.slice(equals + 1).trim(),
    attributes: new Map(attributes),
  }
}

function isExpired({ attributes }: Kept): boolean {
  const age = attributes.get('max-age')
  if (age !== undefined) return Number(age) <= 0
  return Date.parse(attributes.get('expires') ?? '') <= Date.now()
}

function reaches(cookie: Kept, path: string): boolean {
  const own = pathOf(cookie)
  const asked = path.split('?', 1)[0] ?? ''
  return asked === own || asked.startsWith(own.endsWith('/') ? own : `${own}/`)
}

function pathOf({ attributes }: Pick<Kept, 'attributes'>): string {
  const path = attributes.get('path') ?? ''
  return path.startsWith('/') ? path : '/'
}

/**
 * Browsers send Secure cookies to loopback hosts over plain HTTP. They take them from `addCookies`
 * for HTTPS alone.
 */
function urlOf(attributes: Kept['attributes'], origin: string): string {
  const url = new URL(pathOf({ attributes }), origin)
  return attributes.has('secure') ? url.href.replace(/^http:/, 'https:') : url.href
}

function sameSiteOf(value: string | undefined): BrowserCookie['sameSite'] {
  if (value === 'Strict' || value === 'None') return value
  return 'Lax'
}
