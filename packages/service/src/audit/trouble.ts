import type { EventFields } from './fields.ts'

/**
 * What is wrong with the service itself, by the words that rules know. It stands in no feed: the
 * store may be what is wrong.
 */
export type Trouble =
  | 'feed_blind'
  | 'store_unreachable'
  | 'key_overdue'
  | 'audit_unwritten'
  | 'audit_gap'
  | 'store_rolled_back'
  | 'witness_refuses'
  | 'witness_silent'

/** As rules look at it: an event of the type `service`. `actor` is the machine. */
export function troubleFields(
  reason: Trouble,
  { id, at, actor }: Pick<EventFields, 'id' | 'at' | 'actor'>,
): EventFields {
  return {
    ...{ id, at, actor, reason, type: 'service' },
    ...{ outcome: null, score: null, subject: null, name: null, tenant: null, session: null },
    ...{ address: null, network: null, asn: null, kind: null, country: null, city: null },
    ...{ browser: null, os: null, correlation: null },
  }
}
