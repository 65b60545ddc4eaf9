import { lifetimeVerdict } from '../../core/lifetimes.ts'
import type { Row } from '../../core/rotation.ts'
import type { Presented, Verification } from '../../core/sessions.ts'
import type { TokenKind } from '../../core/token.ts'
import type { Parts } from '../context.ts'
import { expire, superseded, unknown } from '../operations/end.ts'
import { load, type Opened } from '../state/load.ts'
import { contended, TRIES } from '../state/save.ts'
import { authenticate, lineOf, presentationOf, type Shown } from './presentation.ts'

/** A presentation with the ratchet's row that it fell into. */
export interface Weighable extends Shown {
  readonly row: Row
}

type Refusal = Verification & { readonly ok: false }

/**
 * The first six steps of the design: from a token to a live session whose secret was shown. What `judge` makes of
 * it is the answer; where its write lost a race, the session is read and judged once more.
 */
export async function judgeLive<Answer>(
  parts: Parts,
  { presented, kind }: { readonly presented: Presented; readonly kind: TokenKind },
  judge: Judge<Answer>,
): Promise<Answer | Refusal> {
  const shown = shownBy(parts, presented, kind)
  return 'ok' in shown ? shown : judgeShown(parts, shown, judge)
}

type Judge<Answer> = (
  opened: Opened,
  shown: Weighable,
) => Promise<Answer | 'lost_race'> | Answer | 'lost_race'

/** What was shown, or why it is not looked at any further. Reads nothing. */
export function shownBy(parts: Parts, presented: Presented, kind: TokenKind): Shown | Refusal {
  const at = parts.host.now()
  const claims = authenticate(parts, presented, { at, kind })
  if (typeof claims === 'string') return { ok: false, code: claims }
  return { presented, presentation: presentationOf(parts, presented, at), claims }
}

/** As {@link judgeLive}, from what was shown on. */
export async function judgeShown<Answer>(
  parts: Parts,
  shown: Shown,
  judge: Judge<Answer>,
): Promise<Answer | Refusal> {
  const { claims, presentation } = shown
  const { at } = presentation

  for (let tries = 0; tries < TRIES; tries++) {
    const opened = await load(parts, claims.session)
    if (opened === undefined) {
      unknown(parts, claims, at)
      return { ok: false, code: 'session_unknown' }
    }
    const { state, found } = opened
    if (lifetimeVerdict(state, found.lastActivity, at) !== 'live') {
      await expire(parts, opened, presentation)
      return { ok: false, code: 'session_expired' }
    }
    const row = lineOf(state, shown)
    if (row === 'dead') {
      await superseded(parts, claims, presentation)
      return { ok: false, code: 'token_superseded' }
    }
    const answer = await judge(opened, { ...shown, row })
    if (answer !== 'lost_race') return answer
  }
  throw contended()
}
