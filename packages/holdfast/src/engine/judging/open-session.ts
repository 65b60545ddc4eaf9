import { lifetimeVerdict } from '../../core/lifetimes.ts'
import type { RotationStatus } from '../../core/rotation.ts'
import type { Presented, Verification } from '../../core/sessions.ts'
import type { TokenKind } from '../../core/token.ts'
import type { EngineContext } from '../context.ts'
import { load, type OpenedSession } from '../state/load.ts'
import { contended, TRIES } from '../state/save.ts'
import { expire, superseded, unknown } from './dead-tokens.ts'
import {
  type AuthenticatedPresentation,
  authenticate,
  presentationOf,
  statusOfPresented,
} from './presentation.ts'

/** A presentation with the ratchet's row that it fell into. */
export interface MatchedPresentation extends AuthenticatedPresentation {
  readonly rotation: RotationStatus
}

type Refusal = Verification & { readonly ok: false }

/**
 * The first six steps of the design: from a token to a live session whose secret was shown. What `judge` makes of
 * it is the answer; where its write lost a race, the session is read and settled once more.
 */
export async function judgeLive<Answer>(
  engine: EngineContext,
  { presented, kind }: { readonly presented: Presented; readonly kind: TokenKind },
  judge: Judge<Answer>,
): Promise<Answer | Refusal> {
  const shown = shownBy(engine, presented, kind)
  return 'ok' in shown ? shown : judgeShown(engine, shown, judge)
}

type Judge<Answer> = (
  opened: OpenedSession,
  shown: MatchedPresentation,
) => Promise<Answer | 'lost_race'> | Answer | 'lost_race'

/** What was shown, or why it is not looked at any further. Reads nothing. */
export function shownBy(
  engine: EngineContext,
  presented: Presented,
  kind: TokenKind,
): AuthenticatedPresentation | Refusal {
  const at = engine.host.now()
  const claims = authenticate(engine, presented, { at, kind })
  if (typeof claims === 'string') return { ok: false, code: claims }
  return { presented, presentation: presentationOf(engine, presented, at), claims }
}

/** As {@link judgeLive}, from what was shown on. */
export async function judgeShown<Answer>(
  engine: EngineContext,
  shown: AuthenticatedPresentation,
  judge: Judge<Answer>,
): Promise<Answer | Refusal> {
  const { claims, presentation } = shown
  const { at } = presentation

  for (let tries = 0; tries < TRIES; tries++) {
    const opened = await load(engine, claims.session)
    if (opened === undefined) {
      unknown(engine, claims, at)
      return { ok: false, code: 'session_unknown' }
    }
    const { state, found } = opened
    if (lifetimeVerdict(state, found.lastActivity, at) !== 'live') {
      await expire(engine, opened, presentation)
      return { ok: false, code: 'session_expired' }
    }
    const rotation = statusOfPresented(state, shown)
    if (rotation === 'dead') {
      await superseded(engine, claims, presentation)
      return { ok: false, code: 'token_superseded' }
    }
    const answer = await judge(opened, { ...shown, rotation })
    if (answer !== 'lost_race') return answer
  }
  throw contended()
}
