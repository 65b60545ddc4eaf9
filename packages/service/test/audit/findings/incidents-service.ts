import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Report } from 'holdfast'
import { onTestFinished } from 'vitest'
import { isInputFault } from '../../../src/api/call.ts'
import type { Caller } from '../../../src/api/callers.ts'
import { type IncidentParts, incidentCalls } from '../../../src/api/calls/incidents.ts'
import { faultOf, problemResponse } from '../../../src/api/problem.ts'
import { openDatabase } from '../../../src/audit/database.ts'
import { type IncidentStore, incidentStore } from '../../../src/audit/findings/incidents.ts'
import { NO_ACTS } from '../../support.ts'

export const NOW = Date.UTC(2026, 0, 5, 12)

export interface IncidentsService {
  readonly url: string
  readonly store: IncidentStore
  readonly reports: readonly Report[]
}

/** The calls about incidents over a real database, on a port of their own. A key is its roles. */
export async function incidentsService(
  more: Partial<IncidentParts> = {},
): Promise<IncidentsService> {
  const database = openDatabase(':memory:')
  const store = incidentStore({ database })
  const reports: Report[] = []
  const calls = incidentCalls({
    acts: NO_ACTS,
    incidents: {
      list: async (query) => store.list(query),
      show: async (id) => store.show(id),
      judge: async (id, judgement) => database.transaction(() => store.judge(id, judgement)),
    },
    sessions: { report: async (report) => void reports.push(report) },
    subjectKey: ({ subject, tenant = 'default' }) => `key-of-${tenant}-${subject}`,
    now: () => NOW,
    ...more,
  })

  async function answer(request: Request, incoming: Parameters<Handler>[0]): Promise<Response> {
    const { pathname } = new URL(request.url)
    const found = calls.flatMap((one) => {
      const pattern = one.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')
      const match = new RegExp(`^${pattern}$`).exec(pathname)
      return match !== null && one.method === request.method.toLowerCase() ? [{ one, match }] : []
    })[0]
    if (found === undefined) return new Response(null, { status: 404 })
    const { one, match } = found
    const caller = callerOf(request.headers.get('authorization') ?? '')
    if (!one.roles.some((role) => caller.roles.includes(role))) {
      return new Response(null, { status: 403 })
    }
    const params = { ...match.groups }
    const done = await one.answer({ request, incoming, params, caller, requestId: 'request-1' })
    if (done instanceof Response) return done
    const { status, body } = done
    return new Response(body === undefined ? null : JSON.stringify(body), { status })
  }

  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming
    const request = new Request(`http://127.0.0.1${url}`, {
      method,
      headers: Object.entries(headers).map(([name, value]): [string, string] => [name, `${value}`]),
    })
    answer(request, incoming)
      .catch((error: unknown) =>
        problemResponse(isInputFault(error) ? error.fault : faultOf(error), { requestId: 'r' }),
      )
      .then(async (response) => {
        outgoing.writeHead(response.status)
        outgoing.end(await response.text())
      })
  })
  type Handler = Exclude<Parameters<typeof createServer>[1], undefined>
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
    database.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, store, reports }
}

function callerOf(authorization: string): Caller {
  const roles = authorization.replace('Bearer ', '').split('+')
  return { name: 'ops', roles: roles as Caller['roles'] }
}
