import { SessionError, type Sessions } from 'holdfast'
import type { IncidentDetail, Incidents } from '../../audit/findings/incident.ts'
import { type Call, call, problemFacts } from '../call.ts'
import {
  incidentDetail,
  incidentPage,
  incidentParams,
  incidentsQuery,
  judgementBody,
} from '../incident-bodies.ts'
import type { ApiParts } from '../parts.ts'

/** What the calls about incidents work with. */
export interface IncidentParts extends Pick<ApiParts, 'subjectKey' | 'acts'> {
  readonly incidents: Incidents
  readonly sessions: Pick<Sessions, 'report'>
  readonly now: () => number
}

const PAGE = 50

/** What was found in the events, and what became of it. */
export function incidentCalls(parts: IncidentParts): readonly Call[] {
  const { incidents, sessions, subjectKey, acts, now } = parts

  async function existing(id: string): Promise<IncidentDetail> {
    const incident = await incidents.show(id)
    if (incident !== undefined) return incident
    throw new SessionError('not_found', 'There is no such incident.')
  }

  return [
    call({
      id: 'listIncidents',
      method: 'get',
      path: '/v1/incidents',
      roles: ['audit'],
      summary: 'Incidents, newest first',
      query: incidentsQuery,
      answers: { 200: { about: 'A page; `next` is there when more follow', body: incidentPage } },
      async handle({ query, ...asker }) {
        const { limit = PAGE, subject: named, tenant: within, ...rest } = query
        if (within !== undefined && named === undefined) {
          throw new SessionError('invalid_input', 'tenant needs a subject beside it')
        }
        const key =
          named === undefined
            ? {}
            : {
                subject: subjectKey({
                  subject: named,
                  ...(within === undefined ? {} : { tenant: within }),
                }),
              }
        const body = await incidents.list({ limit, ...rest, ...key })
        await acts.looked(asker, 'incidents_listed', { question: JSON.stringify(query) })
        return { status: 200, body }
      },
    }),

    call({
      id: 'showIncident',
      method: 'get',
      path: '/v1/incidents/{id}',
      roles: ['audit'],
      summary: 'One incident with its findings and its time line',
      params: incidentParams,
      answers: {
        200: { about: 'The incident', body: incidentDetail },
        404: problemFacts('No such incident'),
      },
      async handle({ params, ...asker }) {
        const body = await existing(params.id)
        await acts.looked(asker, 'incident_viewed', { question: params.id })
        return { status: 200, body }
      },
    }),

    call({
      id: 'judgeIncident',
      method: 'post',
      path: '/v1/incidents/{id}',
      roles: ['admin'],
      summary:
        'Say what an incident is; `false_alarm` is also reported for its sessions, as by ' +
        '`POST /v1/reports`',
      params: incidentParams,
      body: judgementBody,
      answers: {
        204: { about: 'It is noted' },
        404: problemFacts('No such incident'),
      },
      async handle({ params: { id }, body: { state, note = null }, ...asker }) {
        const { caller, traced } = asker
        const incident = await existing(id)
        // First, and idempotent: where a report fails, the caller can judge once more.
        if (state === 'false_alarm') {
          for (const session of sessionsOf(incident)) {
            await sessions.report({ kind: 'false_alarm', session, ...traced })
          }
        }
        const judged = await incidents.judge(id, { state, note, by: caller.name, at: now() })
        if (judged.ok) {
          await acts.did(asker, 'incident_judged', {})
          return { status: 204 }
        }
        if (judged.code === 'unknown') {
          throw new SessionError('not_found', 'There is no such incident.')
        }
        throw new SessionError('invalid_input', 'The incident is over: nobody can acknowledge it.')
      },
    }),
  ]
}

function sessionsOf({ session, findings }: IncidentDetail): ReadonlySet<string> {
  const all = [session, ...findings.map((finding) => finding.session)]
  return new Set(all.filter((one) => one !== null))
}
