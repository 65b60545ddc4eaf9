import { randomBytes } from 'node:crypto'

const WELL_FORMED = /^[A-Za-z0-9._-]{8,64}$/

/** The caller's request id when it is well-formed, else a new one of 128 random bits. */
export function requestIdOf(headers: Headers): string {
  const given = headers.get('x-request-id')
  return given !== null && WELL_FORMED.test(given) ? given : randomBytes(16).toString('base64url')
}
