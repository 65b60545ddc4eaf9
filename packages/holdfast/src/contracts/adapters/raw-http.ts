import { request as send } from 'node:http'

/** An answer with its headers as they were received. */
export interface RawAnswer {
  readonly status: number
  header(name: string): string | undefined
  readonly setCookies: readonly string[]
  readonly body: string
  json(): unknown
}

export interface RawRequest {
  readonly method?: string
  /** Pairs are sent as they are, repeated names, `Host` and `Sec-` headers included. */
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string
}

/** Sends exactly these headers. `fetch` refuses or changes some of them. */
export function rawRequest(
  url: string,
  { method = 'GET', headers = [], body = '' }: RawRequest = {},
): Promise<RawAnswer> {
  const lines: (readonly [string, string])[] = [...headers]
  if (!lines.some(([name]) => name.toLowerCase() === 'host')) {
    lines.unshift(['host', new URL(url).host])
  }
  if (method !== 'GET' && method !== 'HEAD') {
    lines.push(['content-length', String(Buffer.byteLength(body))])
  }
  return new Promise((resolve, reject) => {
    const request = send(
      url,
      { method, agent: false, setHost: false, headers: lines.flat() },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({
            status: response.statusCode ?? 0,
            header(name) {
              const value = response.headers[name]
              return typeof value === 'string' ? value : value?.join(', ')
            },
            setCookies: response.headers['set-cookie'] ?? [],
            body: text,
            json: (): unknown => JSON.parse(text),
          })
        })
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}
