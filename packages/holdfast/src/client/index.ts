import { CODES, SessionError } from '../core/errors.ts'
import type { SessionId } from '../core/ids.ts'
import type { RequestFacts } from '../core/request.ts'
import type { SessionDetail } from '../core/session.ts'
import type { Login, Ordered, Presented, Proof, Sessions, SubjectRef } from '../core/sessions.ts'
import { remoteCalls } from './calls.ts'
import {
  isCreated,
  isRefreshed,
  isRefusedRefresh,
  isSessionDetail,
  isSessionPage,
  isStepUpBegun,
  isVerification,
  isVersion,
} from './shapes.ts'

/** Where the service is, and how to ask it. */
export interface ConnectOptions {
  /** Where the service listens, for example `http://127.0.0.1:4600`. */
  readonly url: string
  /** API key with the role `app`; `admin` too for `show` and `revoke` without an owner. */
  readonly key: string
  /** Longest wait for a whole answer, ms (default 2000, at most 60 000). */
  readonly timeoutMs?: number
  /** Instead of the platform's own. */
  readonly fetch?: typeof fetch
}

/** `Sessions` over HTTP. Two methods take the owner as well: with it, the role `app` suffices. */
export interface RemoteSessions extends Sessions {
  show(id: SessionId, owner?: SubjectRef): Promise<SessionDetail | undefined>
  /** With an owner, throws `not_found` when the session is not theirs or not live. */
  revoke(id: SessionId, by: Ordered & Partial<SubjectRef>): Promise<void>
}

/**
 * The engine of a Holdfast service, with the same results as in process. An answer that does not come in time, does
 * not come at all or does not look like one throws `store_unavailable`; a key that the service does not accept throws
 * `config_invalid`, because no user can mend it. A throw is never an allow.
 *
 * @example
 * const sessions = connect({ url: 'http://127.0.0.1:4600', key: process.env.HOLDFAST_KEY ?? '' })
 */
export function connect(options: ConnectOptions): RemoteSessions {
  const call = remoteCalls(options)

  return {
    async create(login) {
      const answer = await call.ask('POST', '/v1/sessions', { body: loginBody(login) })
      if (answer.status === 409) {
        if (answer.code === 'session_limit_reached' || answer.code === 'login_superseded') {
          return { ok: false, code: answer.code }
        }
        throw call.fault(answer)
      }
      const body = call.expect(answer, 201, isCreated)
      const { session, token, refreshToken, decision, persistent } = body
      const refresh = refreshToken === undefined ? {} : { refreshToken }
      return { ok: true, session, token, ...refresh, decision, persistent }
    },

    async verify(presented) {
      const answer = await call.ask('POST', '/v1/verify', { body: presentedBody(presented) })
      return withoutCookie(call.expect(answer, 200, isVerification))
    },

    async refresh(presented) {
      const answer = await call.ask('POST', '/v1/refresh', { body: presentedBody(presented) })
      const { status, body } = answer
      if (isRefusedRefresh(body) && CODES[body.code].status === status) {
        const { code, decision, requirements } = body
        return {
          ok: false,
          code,
          ...(decision === undefined ? {} : { decision }),
          ...(requirements === undefined ? {} : { requirements }),
        }
      }
      return { ok: true, ...withoutCookie(call.expect(answer, 200, isRefreshed)) }
    },

    async beginStepUp(presented) {
      const answer = await call.ask('POST', '/v1/step-up/begin', { body: presentedBody(presented) })
      return withoutCookie(call.expect(answer, 200, isStepUpBegun))
    },

    async completeStepUp(proof) {
      const answer = await call.ask('POST', '/v1/step-up/complete', { body: proofBody(proof) })
      return withoutCookie(call.expect(answer, 200, isVerification))
    },

    async logout(token, { correlation } = {}) {
      call.done(await call.ask('POST', '/v1/logout', { body: { token, correlation } }))
    },

    async revoke(id, { reason, subject, tenant, correlation }) {
      const body = { reason, subject, tenant, correlation }
      call.done(await call.ask('POST', `/v1/sessions/${part(id)}/revoke`, { body }))
    },

    async revokeSubject({ subject, tenant }, { reason, except, correlation }) {
      const path = `/v1/subjects/${part(subject)}/revoke`
      call.done(
        await call.ask('POST', path, { query: { tenant }, body: { reason, except, correlation } }),
      )
    },

    async list({ subject, tenant }, { limit, after } = {}) {
      const query = { tenant, limit: limit === undefined ? undefined : String(limit), after }
      const answer = await call.ask('GET', `/v1/subjects/${part(subject)}/sessions`, { query })
      return call.expect(answer, 200, isSessionPage)
    },

    async show(id, owner) {
      const query = { subject: owner?.subject, tenant: owner?.tenant }
      const answer = await call.ask('GET', `/v1/sessions/${part(id)}`, { query })
      if (answer.status === 404 && answer.code === 'not_found') return undefined
      return call.expect(answer, 200, isSessionDetail)
    },

    async report(report) {
      const body =
        'request' in report && report.request !== undefined
          ? { ...report, request: requestBody(report.request) }
          : report
      call.done(await call.ask('POST', '/v1/reports', { body }))
    },

    async patchAttributes(id, patch, ifVersion) {
      const path = `/v1/sessions/${part(id)}/attributes`
      const headers = { 'if-match': `"${ifVersion}"` }
      return call.expect(await call.ask('PATCH', path, { body: patch, headers }), 200, isVersion)
        .version
    },
  }
}

/** One segment of a path. `.` and `..` would be taken for steps, and no spelling of them survives a URL parser. */
function part(text: string): string {
  if (typeof text !== 'string' || text === '' || text === '.' || text === '..') {
    throw new SessionError('invalid_input', 'A session id or subject must be a name, not a path.')
  }
  return encodeURIComponent(text)
}

/** The service sets no cookies of its own; where the answer goes, the carrier makes them from the tokens. */
function withoutCookie<T extends object>(answer: T): T {
  const {
    cookie: _,
    refreshCookie: __,
    ...rest
  } = answer as T & {
    cookie?: string
    refreshCookie?: string
  }
  return rest as T
}

function loginBody(login: Login): object {
  const {
    subject,
    tenant,
    class: name,
    acr,
    amr,
    authenticatedAt,
    factors,
    attributes,
    refresh,
    previous,
    correlation,
  } = login
  return {
    subject,
    tenant,
    class: name,
    acr,
    amr,
    authenticatedAt,
    factors,
    attributes,
    refresh,
    previous,
    correlation,
    request: requestBody(login.request),
  }
}

function presentedBody(presented: Presented): object {
  const { token, sensitivity, acr, maxAgeMs, waitedMs, deliverable } = presented
  const { audience, correlation } = presented
  const request = requestBody(presented.request)
  const requirements = { sensitivity, acr, maxAgeMs, audience }
  return { token, request, ...requirements, waitedMs, deliverable, correlation }
}

function proofBody({ request, ...proof }: Proof): object {
  const { challenge, token, subject, tenant, acr, amr, correlation } = proof
  return { challenge, token, request: requestBody(request), subject, tenant, acr, amr, correlation }
}

function requestBody({ ip, method, url, headers, client }: RequestFacts): object {
  return { ip, method, url, headers, client }
}
