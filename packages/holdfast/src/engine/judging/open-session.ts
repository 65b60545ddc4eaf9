import type { RefusalCode } from '../../core/errors.ts'
import type { SessionId } from '../../core/ids.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import type { EngineContext, OpenedSession } from '../context.ts'
import { loadAnd, loadNow } from '../state/load.ts'
import { contended, TRIES } from '../state/save.ts'
import { expire, superseded, unknown } from './dead-tokens.ts'
import {
  type AuthenticatedPresentation,
  factsOf,
  familyOfKind,
  type MatchedPresentation,
  matchSecret,
  type Refusal,
} from './presentation.ts'

type Answered<Answer> = Promise<Answer | 'lost_race'> | Answer | 'lost_race'

/**
 * Reads a session, opens it and hands it to `judge`. Where the write of `judge` loses a race, the
 * session is read and judged once more. Throws `store_contended` after {@link TRIES} lost races.
 */
export async function withSession<Answer>(
  engine: EngineContext,
  id: SessionId,
  judge: (opened: OpenedSession | undefined) => Answered<Answer>,
): Promise<Answer> {
  for (let tries = 0; tries < TRIES; tries++) {
    const now = loadNow(engine, id)
    const answer = now === 'wait' ? loadAnd(engine, id, judge) : judge(now)
    // Nothing waits that need not.
    const told = answer instanceof Promise ? await answer : answer
    if (told !== 'lost_race') return told
  }
  throw contended()
}

/**
 * Steps 3 to 6 of `verify`: `judge` gets the live session and the status of the secret that was
 * shown. Sessions that are over and secrets of dead families are refused before it is called.
 */
export function withLiveSession<Answer>(
  engine: EngineContext,
  authenticated: AuthenticatedPresentation,
  judge: (opened: OpenedSession, matched: MatchedPresentation) => Answered<Answer>,
): Promise<Answer | Refusal> {
  const { claims } = authenticated
  const { at } = authenticated.presentation

  return withSession<Answer | Refusal>(engine, claims.session, (opened) => {
    if (opened === undefined) {
      unknown(engine, authenticated)
      return refused('session_unknown')
    }
    const { found } = opened
    if (lifetimeVerdict(opened.head, found.lastActivity, at) !== 'live') {
      return expire(engine, opened, factsOf(authenticated)).then(() => refused('session_expired'))
    }
    const matched = matchSecret(familyOfKind(opened.record, claims.kind), authenticated)
    if (matched === undefined) {
      return superseded(engine, opened, authenticated).then(() => refused('token_superseded'))
    }
    return judge(opened, matched)
  })
}

function refused(code: RefusalCode): Refusal {
  return { ok: false, code }
}
