import { touchInterval } from '../../core/lifetimes.ts'
import type { Row } from '../../core/rotation.ts'
import type { Presented, Refreshed, RefreshRow, Verification } from '../../core/sessions.ts'
import type { Parts } from '../context.ts'
import { apply, decide, factsOf } from '../judging/decide.ts'
import { judgeLive, type Weighable } from '../judging/open-session.ts'
import type { Opened } from '../state/load.ts'
import { nothingNew, quietDecision } from './verify.ts'

/**
 * Judges a refresh token by all that a session token is judged by, and rotates it at every use. Where nothing is new
 * that takes one read and one write, and the subject's past is not asked.
 */
export function refresh(parts: Parts, presented: Presented): Promise<Refreshed> {
  return judgeLive(parts, { presented, kind: 'refresh' }, async (opened, asked) => {
    // whatever the method: who refreshes is about to do more than read
    const shown = { ...asked, presentation: { ...asked.presentation, method: 'POST' } }
    const answer = await judged(parts, opened, shown)
    if (answer === 'lost_race' || !answer.ok) return answer
    const row = ROWS[shown.row.row]
    tellNowAndThen(parts, opened, { shown, row })
    return { ...answer, row }
  })
}

function judged(
  parts: Parts,
  opened: Opened,
  shown: Weighable,
): Promise<Verification | 'lost_race'> {
  const { state } = opened
  if (shown.row.row === 'fork' || !nothingNew(parts, opened, shown))
    return decide(parts, opened, shown)
  const decision = quietDecision(parts, state, shown.presentation.at)
  if (decision.outcome !== 'allow') return decide(parts, opened, shown)
  const nothing = { decision, next: state, lesson: undefined }
  return apply(parts, { opened, shown }, { session: state, judged: nothing, events: [] })
}

/** A fork passes by the word of a policy alone, and then brings nothing new. */
const ROWS: Readonly<Record<Row['row'], RefreshRow>> = {
  current: 'normal',
  resend: 'resent',
  lost: 'response_lost',
  in_flight: 'in_flight',
  fork: 'in_flight',
  ahead: 'in_flight',
}

/**
 * To the listener: of the usual ones a sample, as of presentations; of those that came again one for each token. A
 * lost response is told with the write that it needed.
 */
function tellNowAndThen(
  parts: Parts,
  { found }: Opened,
  { shown, row }: { readonly shown: Weighable; readonly row: RefreshRow },
): void {
  if (row === 'response_lost') return
  const { claims, presentation } = shown
  if (row === 'normal') {
    if (presentation.at - (found.lastActivity ?? 0) < touchInterval(found.idleMs)) return
  } else {
    const line = `${claims.session} ${claims.family} ${row}`
    if (parts.reported.seen(line) >= claims.generation) return
    parts.reported.note(line, claims.generation)
  }
  parts.journal.tell([parts.journal.event('session-refreshed', { ...factsOf(shown), reason: row })])
}
