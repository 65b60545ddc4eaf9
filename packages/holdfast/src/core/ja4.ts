/**
 * How a TLS client introduces itself (FoxIO, JA4): protocol and counts, hash of the ciphers, hash
 * of the extensions.
 */
const JA4 = /^[tqd]\d{2}[di]\d{4}[a-z0-9]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/

/** A JA4 fingerprint; null for anything else. */
export function parseJa4(text: string | null | undefined): string | null {
  return typeof text === 'string' && text.length === 36 && JA4.test(text) ? text : null
}

/**
 * Whether two fingerprints offer the same ciphers. Undefined: one is missing, or one came over TCP
 * and the other over QUIC, where browsers offer fewer. The other parts are not compared: a resumed
 * connection already changes the extensions.
 */
export function sameCiphers(a: string | null, b: string | null): boolean | undefined {
  if (a === null || b === null || a[0] !== b[0]) return undefined
  return a.slice(11, 23) === b.slice(11, 23)
}
