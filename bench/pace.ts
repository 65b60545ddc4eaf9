/**
 * One request a second and session: lively, but no more than a page with its fetches. A multiple of
 * what is in flight.
 */
export const PACED_SESSIONS = 192
export const PACED_ROW = 'paced'

const SECONDS = 300

export const PACED_RUNS = PACED_SESSIONS * SECONDS
