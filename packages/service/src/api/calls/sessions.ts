import { SessionError } from 'holdfast'
import {
  attributes,
  attributesVersion,
  createdAnswer,
  login,
  logoutBody,
  refusedLoginAnswer,
  revokeBody,
  sessionDetail,
} from 'holdfast/wire'
import { notFound, refreshCookie, refusedLogin } from '../answers.ts'
import { type Call, call, problemFacts } from '../call.ts'
import type { Caller } from '../callers.ts'
import type { ApiParts } from '../parts.ts'
import { type OwnerQuery, ownerQuery, sessionParams } from '../queries.ts'

/** Calls about one session: its start, its end, and what is known of it. */
export function sessionCalls({ sessions, cookies, acts }: ApiParts): readonly Call[] {
  /** An application may look after the sessions of a subject that it names, an admin after all. */
  async function owned(
    id: string,
    caller: Caller,
    owner: OwnerQuery,
  ): Promise<NonNullable<Awaited<ReturnType<typeof sessions.show>>>> {
    checkOwner(caller, owner)
    const detail = await sessions.show(id)
    if (detail === undefined) throw notFound()
    const { subject, tenant = 'default' } = owner
    if (subject === undefined) return detail
    if (detail.subject !== subject || detail.tenant !== tenant) throw notFound()
    return detail
  }

  return [
    call({
      id: 'createSession',
      method: 'post',
      path: '/v1/sessions',
      roles: ['app'],
      summary: 'Start a session after a login',
      body: login,
      answers: {
        201: {
          about: 'The session, its token, and the cookie for the client',
          body: createdAnswer,
        },
        409: {
          about: '`session_limit_reached` or `login_superseded`',
          refused: [refusedLoginAnswer],
        },
      },
      async handle({ body: login, requestId, traced }) {
        const made = await sessions.create({ ...traced, ...login })
        if (!made.ok) return refusedLogin(made.code, requestId)
        const life = { expiresAt: made.session.expiresAt, persistent: made.persistent }
        const cookie = cookies.session(made.token, life)
        const refresh = refreshCookie(cookies, made.refreshToken, life)
        return { status: 201, body: { ...made, cookie, ...refresh } }
      },
    }),

    call({
      id: 'logout',
      method: 'post',
      path: '/v1/logout',
      roles: ['app'],
      summary: 'End the session of a token; idempotent',
      body: logoutBody,
      answers: { 204: { about: 'It is over' } },
      async handle({ body: { token, ...by }, traced }) {
        await sessions.logout(token, { ...traced, ...by })
        return { status: 204 }
      },
    }),

    call({
      id: 'showSession',
      method: 'get',
      path: '/v1/sessions/{id}',
      roles: ['admin', 'app'],
      summary: 'One live session with its contexts and their evidence',
      params: sessionParams,
      query: ownerQuery,
      answers: {
        200: { about: 'The session; an app names its `subject`', body: sessionDetail },
        404: problemFacts('No such live session, or not of this subject'),
      },
      async handle({ params, query, ...asker }) {
        const detail = await owned(params.id, asker.caller, query)
        await acts.looked(asker, 'session_viewed', { session: detail.id, subject: detail })
        return { status: 200, body: detail, headers: { etag: `"${detail.attributesVersion}"` } }
      },
    }),

    call({
      id: 'revokeSession',
      method: 'post',
      path: '/v1/sessions/{id}/revoke',
      roles: ['admin', 'app'],
      summary: 'End one session; idempotent',
      params: sessionParams,
      body: revokeBody,
      answers: {
        204: { about: 'It is over' },
        404: problemFacts('An app named a subject that does not own this session'),
      },
      async handle({ params, body, ...asker }) {
        const { caller, traced } = asker
        const { subject, tenant, ...order } = body
        if (!caller.roles.includes('admin') || subject !== undefined) {
          await owned(params.id, caller, body)
        }
        await sessions.revoke(params.id, { ...traced, ...order, actor: caller.name })
        await acts.did(asker, 'session_revoked', { session: params.id })
        return { status: 204 }
      },
    }),

    call({
      id: 'patchAttributes',
      method: 'patch',
      path: '/v1/sessions/{id}/attributes',
      roles: ['admin', 'app'],
      summary: "Change the application's attributes by JSON merge patch (RFC 7396)",
      params: sessionParams,
      query: ownerQuery,
      body: attributes,
      headers: [{ name: 'If-Match', about: 'Version of the attributes, quoted', required: true }],
      answers: {
        200: { about: 'The new version; an app names its `subject`', body: attributesVersion },
        404: problemFacts('No such live session, or not of this subject'),
        412: problemFacts('The attributes have another version'),
      },
      async handle({ params, query, body, headers, ...asker }) {
        const { caller, traced } = asker
        checkOwner(caller, query)
        const { subject, tenant = 'default' } = query
        const owner = subject === undefined ? {} : { subject, tenant }
        const version = await sessions.patchAttributes(
          params.id,
          body,
          versionOf(headers.get('if-match')),
          { actor: caller.name, ...traced, ...owner },
        )
        await acts.did(asker, 'attributes_changed', { session: params.id })
        return { status: 200, body: { version }, headers: { etag: `"${version}"` } }
      },
    }),
  ]
}

/** The id of a session is public: whoever is no admin has to know whose it is. */
function checkOwner({ roles }: Caller, { subject }: OwnerQuery): void {
  if (roles.includes('admin') || subject !== undefined) return
  throw new SessionError(
    'caller_forbidden',
    'Without the role admin, name the subject that owns the session.',
  )
}

function versionOf(ifMatch: string | null): number {
  const version = /^"(0|[1-9]\d{0,14})"$/.exec(ifMatch ?? '')?.[1]
  if (version !== undefined) return Number(version)
  throw new SessionError(
    'invalid_input',
    'If-Match must be the version of the attributes in quotes, for example "3"',
  )
}
