import type { ConfigCheck } from './contradictions.ts'
import { personalFactsOf } from './personal-facts.ts'

/** What settings of the audit log do not allow together. */
export const AUDIT_CONTRADICTIONS: readonly ConfigCheck[] = [
  {
    of: ['auditDatabase', 'auditDatabaseCa'],
    problemsOf({ auditDatabase, auditDatabaseCa }, origin) {
      if (auditDatabaseCa === undefined || auditDatabase?.tls === true) return []
      return [
        {
          field: origin('auditDatabaseCa'),
          problem: 'is set, and no PostgreSQL is reached over TLS',
          fix: `Remove it, or write ${origin('auditDatabase')} with ?sslmode=verify-full.`,
        },
      ]
    },
  },
  {
    of: ['notices', 'auditDirectory', 'auditPersonal'],
    problemsOf(config, origin) {
      if (config.notices === undefined || personalFactsOf(config) === 'full') return []
      return [
        {
          field: origin('notices'),
          problem: 'is set, and events do not name the subject',
          fix:
            `Set ${origin('auditDirectory')}, or ${origin('auditPersonal')} to full where ` +
            'another process writes the audit log.',
        },
      ]
    },
  },
  {
    of: ['auditWitnesses', 'auditWitnessQuorum'],
    problemsOf({ auditWitnesses, auditWitnessQuorum }, origin) {
      if ((auditWitnessQuorum ?? 0) <= auditWitnesses.length) return []
      return [
        {
          field: origin('auditWitnessQuorum'),
          problem: `is more than the ${auditWitnesses.length} witnesses that are named`,
          fix: `Lower it, or name more in ${origin('auditWitnesses')}.`,
        },
      ]
    },
  },
]
