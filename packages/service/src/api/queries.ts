import { EVENT_TYPES, type EventType } from 'holdfast/maintenance'
import {
  described,
  integer,
  object,
  oneOf,
  optional,
  sessionId,
  subject,
  tenant,
  text,
} from 'holdfast/wire'

/** What callers say in paths and queries. */

/** A session by its public id. */
export interface SessionParams {
  readonly id: string
}

export const sessionParams = object<SessionParams>('SessionParams', { id: sessionId })

/** A subject by the application's own name. */
export interface SubjectParams {
  readonly subject: string
}

export const subjectParams = object<SubjectParams>('SubjectParams', { subject })

/** Whose tenant a subject belongs to. */
export interface TenantQuery {
  readonly tenant?: string
}

export const tenantQuery = object<TenantQuery>('TenantQuery', { tenant: optional(tenant) })

/** Whose session it has to be. */
export interface OwnerQuery extends TenantQuery {
  readonly subject?: string
}

export const ownerQuery = object<OwnerQuery>('OwnerQuery', {
  subject: optional(subject),
  tenant: optional(tenant),
})

export const after = described(
  text({
    pattern: {
      source: '^[A-Za-z0-9_.:~=\\-]{1,2048}$',
      problem: 'must be a cursor from an earlier answer',
    },
  }),
  'A cursor from an earlier answer',
)

/** Which part of a list. */
export interface PageQuery extends TenantQuery {
  readonly limit?: number
  readonly after?: string
}

export const pageQuery = object<PageQuery>('PageQuery', {
  tenant: optional(tenant),
  limit: optional(integer({ min: 1, max: 200 })),
  after: optional(after),
})

/** Which events. */
export interface EventsQuery extends PageQuery {
  readonly session?: string
  readonly subject?: string
  readonly type?: EventType
  readonly personal?: 'full'
}

export const eventsQuery = object<EventsQuery>('EventsQuery', {
  session: optional(sessionId),
  subject: optional(subject),
  tenant: optional(tenant),
  type: optional(oneOf(EVENT_TYPES)),
  personal: optional(
    described(oneOf(['full']), 'With `personal` in each event: what was kept of who a person is'),
  ),
  after: optional(after),
  limit: optional(integer({ min: 1, max: 1_000 })),
})

/** Where a stream of revocations begins. */
export interface RevocationsQuery {
  readonly after?: string
}

export const revocationsQuery = object<RevocationsQuery>('RevocationsQuery', {
  after: optional(after),
})
