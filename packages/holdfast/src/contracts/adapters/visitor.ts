import { type RawAnswer, type RawRequest, rawRequest } from './raw-http.ts'

/** A browser as far as a server can tell: one cookie jar, one device. */
export interface Visitor {
  /** Same-origin unless the headers say otherwise; a header with an empty value is left out. */
  send(path: string, request?: VisitorRequest): Promise<RawAnswer>
  post(path: string, json?: unknown, headers?: Readonly<Record<string, string>>): Promise<RawAnswer>
  cookie(name: string): string | undefined
  /** Another browser with a copy of the cookies that this one holds now. */
  stolenBy(headers?: Readonly<Record<string, string>>): Visitor
}

export interface VisitorRequest extends Omit<RawRequest, 'headers'> {
  readonly headers?: Readonly<Record<string, string>>
}

/** The user agent of visitors that name none. */
export const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
  'Chrome/141.0.0.0 Safari/537.36'

export function visitor(
  origin: string,
  {
    headers: own = {},
    cookieJar = new Map<string, string>(),
  }: {
    readonly headers?: Readonly<Record<string, string>>
    readonly cookieJar?: Map<string, string>
  } = {},
): Visitor {
  const always = {
    'user-agent': CHROME,
    accept: 'application/json',
    'accept-language': 'en-GB,en;q=0.9',
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'cors',
    'sec-fetch-dest': 'empty',
    ...own,
  }

  function keep(setCookies: readonly string[]): void {
    for (const line of setCookies) {
      const pair = line.split(';', 1)[0] ?? ''
      const name = pair.slice(0, pair.indexOf('='))
      if (/; ?Max-Age=0\b/i.test(line)) cookieJar.delete(name)
      else cookieJar.set(name, pair.slice(pair.indexOf('=') + 1))
    }
  }

  async function sendAs(path: string, request: VisitorRequest = {}): Promise<RawAnswer> {
    const kept = [...cookieJar].map(([name, value]) => `${name}=${value}`)
    const cookies = [...(own.cookie === undefined ? [] : [own.cookie]), ...kept].join('; ')
    const headers = {
      ...always,
      ...(cookies === '' ? {} : { cookie: cookies }),
      ...request.headers,
    }
    const answer = await rawRequest(`${origin}${path}`, {
      ...request,
      headers: Object.entries(headers).filter(([, value]) => value !== ''),
    })
    keep(answer.setCookies)
    return answer
  }

  return {
    send: sendAs,
    post: (path, json = {}, headers = {}) =>
      sendAs(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(json),
      }),
    cookie: (name) => cookieJar.get(name),
    stolenBy: (headers = {}) =>
      visitor(origin, { headers: { ...own, ...headers }, cookieJar: new Map(cookieJar) }),
  }
}
