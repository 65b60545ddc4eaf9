import { userOf } from './facts.ts'

/** Sessions in a Redis whose memory is measured. */
export const FILL = 20_000

/** Enough sessions to see how many bytes one entry of the event feed takes. */
export const FEED_FILL = 4_000

const SESSIONS_A_USER = 5

/** As in practice, the sessions of one user are not created one right after the other. */
export function fillUser(turn: number, sessions = FILL): string {
  return userOf(turn % (sessions / SESSIONS_A_USER))
}
