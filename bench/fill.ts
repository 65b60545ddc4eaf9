import { userOf } from './facts.ts'

/** Sessions in a Redis whose memory is measured. */
export const FILL = 20_000

/** Enough to see what one entry of the event feed costs. */
export const FEED_FILL = 4_000

const SESSIONS_A_USER = 5

/** Sessions of one user are far from each other, as in life. */
export function fillUser(turn: number, sessions = FILL): string {
  return userOf(turn % (sessions / SESSIONS_A_USER))
}
