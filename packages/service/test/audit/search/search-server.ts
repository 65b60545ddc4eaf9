import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { type Call, isInputFault } from '../../../src/api/call.ts'
import { searchCalls } from '../../../src/api/calls/search.ts'
import { describeCalls } from '../../../src/api/open-api.ts'
import { faultOf, problemResponse } from '../../../src/api/problem.ts'
import type { Searches } from '../../../src/audit/search/search.ts'
import { describedAnswers } from '../../document.ts'
import { NO_ACTS } from '../../support.ts'

export interface SearchServer {
  readonly url: string
  readonly env: Record<string, string>
  /** Asks. Every answer is held against the API document. */
  get(path: string): Promise<{ readonly status: number; readonly body: unknown }>
}

/** The calls of searches over an index, on a port of their own. */
export async function searchServer(searches: Searches, now: () => number): Promise<SearchServer> {
  const calls = searchCalls({ acts: NO_ACTS, now, searches })
  const described = describedAnswers(JSON.parse(JSON.stringify(describeCalls(calls))))
  const server = createServer(async (incoming, outgoing) => {
    const request = new Request(`http://127.0.0.1${incoming.url}`)
    const response = await answered(calls, request, incoming)
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    outgoing.end(await response.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    env: { HOLDFAST_URL: url, HOLDFAST_KEY: 'key-of-the-test' },
    async get(path) {
      const answer = await fetch(`${url}${path}`)
      await described.check('GET', path, answer)
      return { status: answer.status, body: await answer.json() }
    },
  }
}

async function answered(
  calls: readonly Call[],
  request: Request,
  incoming: Parameters<Call['answer']>[0]['incoming'],
): Promise<Response> {
  try {
    const { pathname } = new URL(request.url)
    const one = calls.find(({ path }) => path === pathname)
    if (one === undefined) return new Response('{}', { status: 404 })
    const caller = { name: 'test', roles: ['audit'] } as const
    const answer = await one.answer({ request, incoming, params: {}, caller, requestId: 'r' })
    if (answer instanceof Response) return answer
    return Response.json(answer.body, { status: answer.status })
  } catch (error) {
    const fault = isInputFault(error) ? error.fault : faultOf(error)
    return problemResponse(fault, { requestId: 'r' })
  }
}
