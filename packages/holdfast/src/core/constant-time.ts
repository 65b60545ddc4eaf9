/**
 * Compares in a time that depends on the lengths alone: a guess must not learn how much of it was
 * right.
 */
export function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at)
  return difference === 0
}

/** As {@link sameText}, of bytes and a text with a character for each byte. */
export function sameBytes(text: string, bytes: Uint8Array): boolean {
  let difference = text.length ^ bytes.length
  for (let at = 0; at < text.length; at++) difference |= text.charCodeAt(at) ^ (bytes[at] ?? 0)
  return difference === 0
}
