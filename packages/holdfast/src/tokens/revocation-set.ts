import { isSessionId, type SessionId, type SubjectKey, subjectOf } from '../core/ids.ts'

/**
 * What revocations are compared with: session id, subject generation and time of issue of an access
 * token.
 */
export interface TokenFacts {
  readonly sid: string
  readonly gen: number
  readonly iat: number
}

/** One entry of the feed, as the service tells it. */
export type RevocationEntry =
  | { readonly kind: 'revoked'; readonly session: SessionId }
  | {
      readonly kind: 'subject'
      readonly subject: SubjectKey
      readonly generation: number
      readonly except: SessionId | null
    }

/** Exactly what has been revoked and still matters. Grows by entries, loses them by age alone. */
export interface RevocationSet {
  /** `until`: when no token that it could be about is good any more. */
  add(entry: RevocationEntry, until: number): void
  has(token: TokenFacts): boolean
  prune(now: number): void
  size(): number
  /** Makes room for one by giving up the oldest. */
  dropOldest(): void
}

export function revocationSet(): RevocationSet {
  const sessions = new Map<SessionId, number>()
  const subjects = new Map<SubjectKey, Raised>()
  let raises = 0

  function forget(subject: SubjectKey): void {
    raises -= subjects.get(subject)?.byExcept.size ?? 0
    subjects.delete(subject)
  }

  return {
    add(entry, until) {
      if (entry.kind === 'revoked') {
        const known = sessions.get(entry.session) ?? 0
        sessions.delete(entry.session) // keeps the map in the order of time
        sessions.set(entry.session, Math.max(known, until))
        return
      }
      const { subject, generation, except } = entry
      const raised = subjects.get(subject) ?? { byExcept: new Map(), until: 0 }
      // What an earlier entry has ended stays ended, also where a later one spares it.
      const known = raised.byExcept.get(except)
      if (known === undefined) raises++
      raised.byExcept.set(except, Math.max(known ?? 0, generation))
      subjects.delete(subject)
      subjects.set(subject, { ...raised, until: Math.max(raised.until, until) })
    },

    has({ sid, gen }) {
      if (sessions.has(sid)) return true
      if (subjects.size === 0 || !isSessionId(sid)) return false
      for (const [except, generation] of subjects.get(subjectOf(sid))?.byExcept ?? []) {
        if (gen < generation && sid !== except) return true
      }
      return false
    },

    prune(now) {
      for (const [session, until] of sessions) {
        if (until > now) break
        sessions.delete(session)
      }
      for (const [subject, { until }] of subjects) {
        if (until > now) break
        forget(subject)
      }
    },

    size: () => sessions.size + raises,

    dropOldest() {
      const [session] = sessions.keys()
      const [subject] = subjects.keys()
      if (session !== undefined) sessions.delete(session)
      else if (subject !== undefined) forget(subject)
    },
  }
}

interface Raised {
  /** The highest generation, by the session that it spares. */
  readonly byExcept: Map<SessionId | null, number>
  readonly until: number
}

/** Whether an entry ends the session of a token. */
export function matches(entry: RevocationEntry): (token: TokenFacts) => boolean {
  if (entry.kind === 'revoked') return ({ sid }) => sid === entry.session
  const { subject, generation, except } = entry
  return ({ sid, gen }) =>
    gen < generation && sid !== except && isSessionId(sid) && subjectOf(sid) === subject
}
