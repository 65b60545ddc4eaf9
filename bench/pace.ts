/**
 * One request a second and session, as of a page that fetches now and then. The number of sessions
 * is a multiple of the number of requests in flight.
 */
export const PACED_SESSIONS = 192
export const PACED_ROW = 'paced'

const SECONDS = 300

export const PACED_RUNS = PACED_SESSIONS * SECONDS
