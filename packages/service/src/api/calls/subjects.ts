import type { SubjectRef } from 'holdfast'
import { object, optional, revokeSubjectBody, sessionPage, subject, tenant } from 'holdfast/wire'
import { type Call, call } from '../call.ts'
import type { ApiParts } from '../parts.ts'
import { atCursor } from '../problem.ts'
import { pageQuery, subjectParams, tenantQuery } from '../queries.ts'

const eraseBody = object<SubjectRef>('Erasure', { subject, tenant: optional(tenant) })

/** Calls about all sessions of a subject, and about the subject itself. */
export function subjectCalls({ sessions, acts, audit, subjectKey }: ApiParts): readonly Call[] {
  return [
    call({
      id: 'listSessions',
      method: 'get',
      path: '/v1/subjects/{subject}/sessions',
      roles: ['app', 'admin'],
      summary: 'Live sessions of a subject, oldest first',
      params: subjectParams,
      query: pageQuery,
      answers: { 200: { about: 'A page; `next` is there when more follow', body: sessionPage } },
      async handle({ params, query: { tenant: within, ...page }, ...asker }) {
        const about = { ...params, ...(within === undefined ? {} : { tenant: within }) }
        const body = await atCursor('after', () => sessions.list(about, page))
        await acts.looked(asker, 'sessions_listed', { subject: about })
        return { status: 200, body }
      },
    }),

    call({
      id: 'revokeSubject',
      method: 'post',
      path: '/v1/subjects/{subject}/revoke',
      roles: ['app', 'admin'],
      summary: 'End all sessions of a subject, or all `except` one',
      params: subjectParams,
      query: tenantQuery,
      body: revokeSubjectBody,
      answers: { 204: { about: 'They are over' } },
      async handle({ params, query, body, ...asker }) {
        const by = { actor: asker.caller.name, ...asker.traced }
        const about = { ...params, ...query }
        await sessions.revokeSubject(about, { ...by, ...body })
        await acts.did(asker, 'subject_revoked', { subject: about })
        return { status: 204 }
      },
    }),

    call({
      id: 'eraseSubject',
      method: 'post',
      path: '/v1/audit/erase',
      roles: ['admin'],
      summary:
        'Destroy what the audit log knows of who a subject is: name, addresses, agents. What ' +
        'happened stays, and the log still verifies',
      body: eraseBody,
      answers: { 204: { about: 'Nobody can read it any more' } },
      async handle({ body, ...asker }) {
        await audit.erase(subjectKey(body))
        await acts.did(asker, 'subject_erased', {})
        return { status: 204 }
      },
    }),
  ]
}
