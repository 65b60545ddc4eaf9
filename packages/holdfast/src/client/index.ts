import { CODES, SessionError } from '../core/errors.ts'
import type { SessionId } from '../core/ids.ts'
import type { SessionDetail } from '../core/session.ts'
import type { Ordered, Presented, Sessions, SubjectRef, Traced } from '../core/sessions.ts'
import { traceHeaders, withTraces } from '../core/trace.ts'
import {
  login as loginBody,
  logoutBody,
  presented as presentedBody,
  proof as proofBody,
  report as reportBody,
  revokeBody,
  revokeSubjectBody,
} from '../wire/bodies.ts'
import { knownFields } from '../wire/known.ts'
import { type Ask, type RemoteAnswer, type RemoteCalls, remoteCalls, wellFormed } from './calls.ts'
import type { ConnectOptions } from './options.ts'
import {
  readCreated,
  readRefreshed,
  readRefusedLogin,
  readRefusedRefresh,
  readSessionDetail,
  readSessionPage,
  readStepUpBegun,
  readVerification,
  readVersion,
} from './readers.ts'
import { verifications } from './verifications.ts'

export type { ConnectOptions } from './options.ts'

/**
 * `Sessions` over HTTP. Calls about one session take its owner as well: with the owner, the role
 * `app` suffices.
 */
export interface RemoteSessions extends Sessions {
  show(id: SessionId, owner?: SubjectRef): Promise<SessionDetail | undefined>
  /** With an owner, throws `not_found` when the session is not theirs or not live. */
  revoke(id: SessionId, by: Ordered & Partial<SubjectRef>): Promise<void>
}

/**
 * The engine of a Holdfast service, with the same results as in process. An answer that does not
 * come in time, does not come at all or does not look like one throws `store_unavailable`. A key
 * that the service does not accept throws `config_invalid`, because no user can fix it. A throw is
 * never an allow.
 *
 * @example
 * const sessions = connect({ url: 'http://127.0.0.1:4600', key: process.env.HOLDFAST_KEY ?? '' })
 */
export function connect(options: ConnectOptions): RemoteSessions {
  const call = remoteCalls(options)
  const sessions = { ...presentations(call), ...orders(call), ...lookups(call) }
  return call.telemetry?.calls<RemoteSessions>(sessions, 'client') ?? sessions
}

const knownPresented = knownFields(presentedBody)
const knownLogin = knownFields(loginBody)
const knownProof = knownFields(proofBody)
const knownReport = knownFields(reportBody)
const knownLogout = knownFields(logoutBody)
const knownRevoke = knownFields(revokeBody)
const knownRevokeSubject = knownFields(revokeSubjectBody)

type Presentations = 'create' | 'verify' | 'refresh' | 'beginStepUp' | 'completeStepUp' | 'report'

/** What an application says of a client's requests. */
function presentations(call: RemoteCalls): Pick<RemoteSessions, Presentations> {
  const ask = (path: string, presented: Presented): Promise<RemoteAnswer> =>
    call.ask('POST', path, traced(knownPresented, presented))

  return {
    async create(login) {
      const answer = await call.ask('POST', '/v1/sessions', traced(knownLogin, login))
      if (answer.status !== 409) return call.expect(answer, 201, readCreated)
      const refused = readRefusedLogin(answer.body)
      if (refused === undefined) throw call.fault(answer)
      return refused
    },

    verify: verifications(call),

    async refresh(presented) {
      const answer = await ask('/v1/refresh', presented)
      const refused = readRefusedRefresh(answer.body)
      if (refused !== undefined && CODES[refused.code].status === answer.status) return refused
      return call.expect(answer, 200, readRefreshed)
    },

    async beginStepUp(presented) {
      return call.expect(await ask('/v1/step-up/begin', presented), 200, readStepUpBegun)
    },

    async completeStepUp(proof) {
      const answer = await call.ask('POST', '/v1/step-up/complete', traced(knownProof, proof))
      return call.expect(answer, 200, readVerification)
    },

    async report(report) {
      call.done(await call.ask('POST', '/v1/reports', traced(knownReport, report)))
    },
  }
}

/** What ends sessions. */
function orders(call: RemoteCalls): Pick<RemoteSessions, 'logout' | 'revoke' | 'revokeSubject'> {
  return {
    async logout(token, by = {}) {
      call.done(await call.ask('POST', '/v1/logout', traced(knownLogout, { ...by, token })))
    },

    async revoke(id, by) {
      const path = `/v1/sessions/${part(id)}/revoke`
      call.done(await call.ask('POST', path, traced(knownRevoke, by)))
    },

    async revokeSubject({ subject, tenant }, by) {
      const path = `/v1/subjects/${part(subject)}/revoke`
      const ask = { query: { tenant }, ...traced(knownRevokeSubject, by) }
      call.done(await call.ask('POST', path, ask))
    },
  }
}

/** What is known of sessions, and what the application keeps with them. */
function lookups(call: RemoteCalls): Pick<RemoteSessions, 'list' | 'show' | 'patchAttributes'> {
  return {
    async list({ subject, tenant }, { limit, after } = {}) {
      const query = { tenant, limit: limit === undefined ? undefined : String(limit), after }
      const answer = await call.ask('GET', `/v1/subjects/${part(subject)}/sessions`, {
        query,
        headers: traceHeaders({ trace: call.telemetry?.trace() }),
      })
      return call.expect(answer, 200, readSessionPage)
    },

    async show(id, owner) {
      const query = { subject: owner?.subject, tenant: owner?.tenant }
      const answer = await call.ask('GET', `/v1/sessions/${part(id)}`, {
        query,
        headers: traceHeaders({ trace: call.telemetry?.trace() }),
      })
      if (answer.status === 404 && answer.code === 'not_found') return undefined
      return call.expect(answer, 200, readSessionDetail)
    },

    async patchAttributes(id, patch, ifVersion, by) {
      const path = `/v1/sessions/${part(id)}/attributes`
      const headers = { 'if-match': `"${ifVersion}"`, ...traceHeaders(by ?? {}) }
      const query = { subject: by?.subject, tenant: by?.tenant }
      const answer = await call.ask('PATCH', path, { query, body: patch, headers })
      return call.expect(answer, 200, readVersion).version
    },
  }
}

/** The body of a call, and the headers by which the log of the service names it as its own does. */
function traced<T extends Traced>(known: (value: T) => T, given: T): Pick<Ask, 'body' | 'headers'> {
  const said = withTraces(given)
  return { body: known(said), headers: traceHeaders(said ?? {}) }
}

/**
 * One segment of a path. `.` and `..` would be taken for steps, and no spelling of them survives a
 * URL parser.
 */
function part(text: string): string {
  if (typeof text !== 'string' || text === '' || text === '.' || text === '..') {
    throw new SessionError('invalid_input', 'A session id or subject must be a name, not a path.')
  }
  return encodeURIComponent(wellFormed('A session id or subject', text))
}
