import { RESEND_MS } from './rotation.ts'
import type { Line, SessionState } from './session.ts'

/** The answer to a completed step-up may be asked for again this long. */
export const REPEAT_MS = 60_000

/** A presentation that is being judged may still have to be sent the token: it began a little earlier. */
const MARGIN_MS = 10_000

/**
 * A session without the tokens that are too old to be sent again. They would serve nobody but a thief, and as long as
 * one is there the opened record is not kept in memory.
 */
export function withoutSpentTokens(state: SessionState, at: number): SessionState {
  const { family, refresh, stepUp } = state
  const next = {
    family: withoutSpentToken(family, at),
    refresh: refresh === null ? null : withoutSpentToken(refresh, at),
    stepUp: stepUp !== null && at - stepUp.at > REPEAT_MS + MARGIN_MS ? null : stepUp,
  }
  const same = next.family === family && next.refresh === refresh && next.stepUp === stepUp
  return same ? state : { ...state, ...next }
}

/** Whether somebody who reads this record learns a token. */
export function holdsToken({ family, refresh, stepUp }: SessionState): boolean {
  return stepUp !== null || family.issued.token !== undefined || refresh?.issued.token !== undefined
}

function withoutSpentToken<L extends Line>(line: L, at: number): L {
  const { token, ...issued } = line.issued
  if (token === undefined || at - issued.mintedAt <= RESEND_MS + MARGIN_MS) return line
  return { ...line, issued }
}
