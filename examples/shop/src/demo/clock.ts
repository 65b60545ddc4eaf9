import { mapCookie } from '../edge/cookies.ts'

/** The readable cookie in which the page keeps its client facts, `s=…&z=Europe/Oslo&…`. */
export const FACTS_COOKIE = 'hf-client'

/** The Cookie header as a device whose clock shows local time would send it from there. */
export function withClock(cookieHeader: string, timezone: string): string {
  return mapCookie(cookieHeader, FACTS_COOKIE, (facts) =>
    facts.replace(/(^|&)z=[^&]*/, (_, before: string) => `${before}z=${timezone}`),
  )
}
