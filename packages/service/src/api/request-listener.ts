import { IncomingMessage, type ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { SessionError } from 'holdfast'
import { createApi } from './app.ts'
import type { ApiParts } from './parts.ts'
import { quickVerify } from './quick-verify.ts'

/** Verification has a path of its own through the API; everything else goes through its routes. */
export function requestListener(
  parts: ApiParts,
): (request: IncomingMessage, response: ServerResponse) => void {
  const api = createApi(parts)
  const quick = quickVerify(parts)
  const answerAll = getRequestListener(
    (request, { incoming }) => {
      if (incoming instanceof IncomingMessage) return api(request, incoming)
      throw new SessionError('internal_error', 'This listener speaks HTTP/1.1 alone.')
    },
    { errorHandler: () => new Response(null, { status: 400 }) },
  )
  return (request, response) => {
    if (!quick(request, response)) void answerAll(request, response)
  }
}
