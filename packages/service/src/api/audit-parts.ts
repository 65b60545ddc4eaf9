import { SessionError } from 'holdfast'
import type { Audit } from '../audit/audit.ts'

/** What the API asks of the audit log. */
export type AuditParts = Pick<Audit, 'searches' | 'incidents' | 'alerts' | 'erase'>

async function off(): Promise<never> {
  throw new SessionError(
    'not_found',
    'The audit log is off. Set auditDirectory (HOLDFAST_AUDIT_DIRECTORY) in one of the processes.',
  )
}

/** Where the audit log is off every call says so. */
export const NO_AUDIT: AuditParts = {
  searches: { events: off, sessions: off, subjects: off },
  incidents: { list: off, show: off, judge: off },
  alerts: { list: off, show: off, test: off, replay: off },
  erase: off,
}
