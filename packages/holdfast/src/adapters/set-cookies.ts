/**
 * The `Set-Cookie` values of an answer after one more: an earlier value of the same cookie gives way (RFC 6265, section
 * 4.1.1), so that the secret of a step-up is never followed by the one that it replaced.
 */
export function withSetCookie(values: readonly string[], value: string): readonly string[] {
  const name = value.slice(0, value.indexOf('=') + 1)
  return [...values.filter((other) => !other.startsWith(name)), value]
}
