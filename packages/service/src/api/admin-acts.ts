import type { SubjectRef } from 'holdfast'
import type { EventRecorder, NamedReasonOf } from 'holdfast/maintenance'
import type { Asker } from './call.ts'

/** Notes what a key with the role `admin` or `audit` looked at or did. */
export interface AdminActs {
  /** Something was changed or ended. Rejects where it cannot be kept. */
  did(asker: Asker, act: Act, about: About): Promise<void>
  /**
   * Something is about to be shown: nothing is where this rejects. Kept once a minute for each key
   * and question, because pages ask again and again, and the log must not be full of that.
   */
  looked(asker: Asker, act: Look, about: About & { readonly question?: string }): Promise<void>
}

type Acted = NamedReasonOf<'admin-acted'>

type Act =
  | 'session_revoked'
  | 'attributes_changed'
  | 'subject_revoked'
  | 'subject_erased'
  | 'incident_judged'
  | 'alert_tested'
  | 'alert_replayed'

type Look =
  | 'session_viewed'
  | 'sessions_listed'
  | 'events_read'
  | 'events_searched'
  | 'sessions_searched'
  | 'subjects_searched'
  | 'incidents_listed'
  | 'incident_viewed'
  | 'alerts_listed'
  | 'alert_viewed'

interface About {
  readonly session?: string | undefined
  readonly subject?: SubjectRef | undefined
}

const LOOKED_MS = 60_000
const MOST_LOOKS = 1_000

export function adminActs({ record }: Pick<EventRecorder, 'record'>, now: () => number): AdminActs {
  const looks = new Map<string, number>()

  async function note({ caller, traced }: Asker, reason: Acted, about: About): Promise<void> {
    const { session, subject } = about
    await record('admin-acted', { actor: caller.name, reason, session, subject, ...traced })
  }

  return {
    async did(asker, act, about) {
      if (isOperator(asker)) await note(asker, act, about)
    },
    async looked(asker, act, about) {
      if (!isOperator(asker)) return
      const { session, subject, question } = about
      const asked = [asker.caller.name, act, session, subject?.subject, subject?.tenant, question]
      const key = JSON.stringify(asked)
      const at = now()
      if (at - (looks.get(key) ?? Number.NEGATIVE_INFINITY) < LOOKED_MS) return
      await note(asker, act, about)
      looks.delete(key)
      looks.set(key, at)
      const [oldest] = looks.keys()
      if (looks.size > MOST_LOOKS && oldest !== undefined) looks.delete(oldest)
    },
  }
}

function isOperator({ caller }: Asker): boolean {
  return caller.roles.includes('admin') || caller.roles.includes('audit')
}
