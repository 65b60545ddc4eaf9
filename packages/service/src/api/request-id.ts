import { systemHost } from 'holdfast'

const { random } = systemHost()
const WELL_FORMED = /^[A-Za-z0-9._-]{8,64}$/

/** The caller's request id when it is well-formed, else a new one of 128 random bits. */
export function requestIdOf(given: string | null | undefined): string {
  const known = typeof given === 'string' && WELL_FORMED.test(given)
  return known ? given : Buffer.from(random(16)).toString('base64url')
}
