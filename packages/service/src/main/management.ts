import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Metrics } from './metrics.ts'

export interface ManagementParts {
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>
  /** Why it cannot answer, its store included; undefined when it can. */
  readonly ready: () => Promise<string | undefined>
  /** What does not keep it from answering, and should be fixed. */
  readonly warnings: () => readonly string[]
}

/**
 * `/livez`: the process runs. `/readyz`: it can answer, its store included. `/metrics`: Prometheus.
 */
export function managementAnswer({
  metrics,
  ready,
  warnings,
}: ManagementParts): (request: IncomingMessage, response: ServerResponse) => void {
  function readyText(): string {
    return ['ready', ...warnings().map((warning) => `warning: ${warning}`), ''].join('\n')
  }

  async function answer(path: string): Promise<readonly [number, string, string]> {
    switch (path) {
      case '/livez':
        return [200, PLAIN, 'ok\n']
      case '/readyz': {
        const why = await ready()
        return why === undefined ? [200, PLAIN, readyText()] : [503, PLAIN, `not ready: ${why}\n`]
      }
      case '/metrics':
        return [200, metrics.contentType, await metrics.text()]
      default:
        return [404, PLAIN, 'not found\n']
    }
  }

  return (request, response) => {
    request.resume()
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { ...HEADERS, allow: 'GET, HEAD' }).end()
      return
    }
    const [path = '/'] = (request.url ?? '/').split('?')
    answer(path).then(
      ([status, type, body]) => {
        response.writeHead(status, { ...HEADERS, 'content-type': type })
        response.end(request.method === 'HEAD' ? undefined : body)
      },
      () => response.writeHead(500, HEADERS).end(),
    )
  }
}

const PLAIN = 'text/plain; charset=utf-8'

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
