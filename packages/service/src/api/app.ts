import type { IncomingMessage } from 'node:http'
import { SessionError } from 'holdfast'
import { object } from 'holdfast/wire'
import { Hono } from 'hono'
import { type Call, call, isInputFault } from './call.ts'
import type { Caller } from './callers.ts'
import { alertCalls } from './calls/alerts.ts'
import { arrivalCalls } from './calls/arrival.ts'
import { eventCalls } from './calls/events.ts'
import { incidentCalls } from './calls/incidents.ts'
import { introspectionCalls } from './calls/introspection.ts'
import { refreshCalls } from './calls/refresh.ts'
import { revocationCalls } from './calls/revocations.ts'
import { searchCalls } from './calls/search.ts'
import { sessionCalls } from './calls/sessions.ts'
import { stepUpCalls } from './calls/step-up.ts'
import { subjectCalls } from './calls/subjects.ts'
import { tokenCalls } from './calls/tokens.ts'
import { verifyCalls } from './calls/verify.ts'
import { checkedCaller, observe, type Seen, STANDARD_HEADERS, unknownCaller } from './exchange.ts'
import { describeCalls } from './open-api.ts'
import type { ApiParts, NoticePage } from './parts.ts'
import { faultOf, problemResponse } from './problem.ts'
import { requestIdOf } from './request-id.ts'
import { schemaDocument } from './schemas.ts'

/** Answers one request of the API, given the message that it came by. Never rejects. */
export type Api = (request: Request, incoming: IncomingMessage) => Promise<Response>

type Bindings = { Bindings: { seen: Seen; incoming: IncomingMessage } }

/**
 * The HTTP API over a `Sessions`: checks who calls, checks what was sent, answers, logs one line.
 */
export function createApi(parts: ApiParts): Api {
  const app = new Hono<Bindings>()
  const calls: Call[] = [
    ...sessionCalls(parts),
    ...verifyCalls(parts),
    ...refreshCalls(parts),
    ...subjectCalls(parts),
    ...stepUpCalls(parts),
    ...eventCalls(parts),
    ...searchCalls({ ...parts, searches: parts.audit.searches }),
    ...incidentCalls({ ...parts, incidents: parts.audit.incidents }),
    ...alertCalls({ ...parts, alerts: parts.audit.alerts }),
    ...tokenCalls(parts),
    ...introspectionCalls(parts),
    ...revocationCalls(parts),
    ...arrivalCalls(parts),
    documentCall(() => document),
    schemasCall(),
  ]
  const oauth = new Set(calls.flatMap((one) => (one.oauth === true ? [one.path] : [])))
  const document = describeCalls(calls)
  for (const one of calls) mount(app, parts, one)
  if (parts.notices !== undefined) mountPage(app, parts.notices)
  for (const path of new Set(calls.map(({ path }) => path))) refuseOtherMethods(app, path, calls)
  app.notFound(() => {
    throw new SessionError('not_found', 'There is no such call. /openapi.json lists all.')
  })
  app.onError((error, c) => {
    c.env.seen.error = error
    const fault = isInputFault(error) ? error.fault : faultOf(error)
    const { requestId, route } = c.env.seen
    return problemResponse(fault, { requestId, oauth: oauth.has(route) })
  })

  return async (request, incoming) => {
    const startedAt = performance.now()
    const seen: Seen = {
      requestId: requestIdOf(request.headers.get('x-request-id')),
      route: 'none',
      caller: null,
    }
    const answered = await app.fetch(request, { seen, incoming })
    const response = withStandardHeaders(answered, seen.requestId)
    observe(parts, seen, {
      method: request.method,
      status: response.status,
      ms: performance.now() - startedAt,
      peer: incoming.socket.remoteAddress,
      header: (name) => request.headers.get(name) ?? undefined,
    })
    return response
  }
}

function mount(app: Hono<Bindings>, parts: ApiParts, one: Call): void {
  app.on(one.method.toUpperCase(), honoPath(one.path), async (c) => {
    const { seen, incoming } = c.env
    seen.route = one.path
    const caller = one.roles.length === 0 ? NOBODY : callerOf(parts, c.req.raw.headers, incoming)
    if (caller !== NOBODY) checkedCaller(caller, { roles: one.roles, seen })
    const answer = await one.answer({
      request: c.req.raw,
      incoming,
      params: c.req.param(),
      caller,
      requestId: seen.requestId,
    })
    if (answer instanceof Response) return answer
    const { status, body, headers = {} } = answer
    return body === undefined
      ? new Response(null, { status, headers })
      : new Response(JSON.stringify(body), {
          status,
          headers: { 'content-type': 'application/json', ...headers },
        })
  })
}

function mountPage(app: Hono<Bindings>, { path, answer }: NoticePage): void {
  app.all(path, (c) => {
    c.env.seen.route = path
    return answer(c.req.raw)
  })
}

function callerOf(parts: ApiParts, headers: Headers, { socket }: IncomingMessage): Caller {
  const caller = parts.callers(headers.get('authorization') ?? undefined)
  if (caller !== undefined) return caller
  throw unknownCaller(parts, {
    peer: socket.remoteAddress,
    header: (name) => headers.get(name) ?? undefined,
  })
}

function refuseOtherMethods(app: Hono<Bindings>, path: string, calls: readonly Call[]): void {
  const allowed = calls
    .filter((one) => one.path === path)
    .map(({ method }) => method.toUpperCase())
    .join(' or ')
  app.all(honoPath(path), (c) => {
    c.env.seen.route = path
    const error = new SessionError('method_not_allowed', `Use ${allowed}.`)
    c.env.seen.error = error
    const response = problemResponse(faultOf(error), c.env.seen)
    response.headers.set('allow', allowed.replaceAll(' or ', ', '))
    return response
  })
}

const NOBODY: Caller = { name: '-', roles: [] }

function documentCall(document: () => unknown): Call {
  return call({
    id: 'describe',
    method: 'get',
    path: '/openapi.json',
    roles: [],
    summary: 'This document',
    answers: { 200: { about: 'OpenAPI 3.1', body: object<object>('Document', {}) } },
    async handle() {
      return { status: 200, body: document() }
    },
  })
}

function schemasCall(): Call {
  const document = schemaDocument()
  return call({
    id: 'readSchemas',
    method: 'get',
    path: '/v1/schemas',
    roles: [],
    summary: 'JSON Schemas of events, findings and lines of outputs',
    answers: { 200: { about: 'JSON Schema 2020-12', body: object<object>('Schemas', {}) } },
    async handle() {
      return { status: 200, body: document }
    },
  })
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

function withStandardHeaders(response: Response, requestId: string): Response {
  for (const [name, value] of Object.entries(STANDARD_HEADERS)) {
    // A page has its own policy for its style and its form.
    if (!response.headers.has(name)) response.headers.set(name, value)
  }
  if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store')
  response.headers.set('x-request-id', requestId)
  return response
}
