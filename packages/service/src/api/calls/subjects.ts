import { revokeSubjectBody, sessionPage } from 'holdfast/wire'
import { type Call, call } from '../call.ts'
import type { ApiParts } from '../parts.ts'
import { atCursor } from '../problem.ts'
import { pageQuery, subjectParams, tenantQuery } from '../queries.ts'

/** Calls about all sessions of a subject. */
export function subjectCalls({ sessions }: ApiParts): readonly Call[] {
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
      async handle({ params, query: { tenant, ...page } }) {
        const ref = { ...params, ...(tenant === undefined ? {} : { tenant }) }
        return { status: 200, body: await atCursor('after', () => sessions.list(ref, page)) }
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
      async handle({ params, query, body, caller, requestId }) {
        const by = { actor: caller.name, correlation: requestId }
        await sessions.revokeSubject({ ...params, ...query }, { ...by, ...body })
        return { status: 204 }
      },
    }),
  ]
}
