import { userOf } from './facts.ts'

/** Sessions in a Redis whose memory is measured. */
export const FILL = 20_000

export const SESSIONS_A_USER = 5

/** As in practice, the sessions of one user are not created one right after the other. */
export function fillUser(turn: number): string {
  return userOf(turn % (FILL / SESSIONS_A_USER))
}
