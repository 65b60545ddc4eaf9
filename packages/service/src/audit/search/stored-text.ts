import { createHash } from 'node:crypto'

/**
 * Text as the tables have it. SQL text ends at a NUL or refuses it, and half of a surrogate pair
 * is no UTF-8: without this, the name of one subject could be the beginning of another's. No two
 * texts are stored alike.
 */
export function storedText(text: string): string {
  if (!HAS_UNSTORED.test(text)) return text
  return text.replaceAll(UNSTORED, (letter) => {
    if (letter === '\\') return '\\\\'
    return letter === '\0' ? '\\0' : `\\u${letter.charCodeAt(0).toString(16)}`
  })
}

/** With the flag u, `Cs` is only what has no other half. */
const UNSTORED = /[\\\0\p{Cs}]/gu
const HAS_UNSTORED = /[\\\0\p{Cs}]/u

/** An entry of an index of PostgreSQL has at most 2,704 bytes, and `places_of` has seven texts. */
const MOST_KEY_BYTES = 256
const BEGINNING = 40

/** As {@link storedText}, for what an index has: of a longer text the beginning and a digest. */
export function keyText(text: string): string {
  const stored = storedText(text)
  if (stored.length * 3 <= MOST_KEY_BYTES || Buffer.byteLength(stored) <= MOST_KEY_BYTES)
    return stored
  const digest = createHash('sha256').update(stored).digest('base64url')
  return `${storedText(text.slice(0, BEGINNING).replace(/[\ud800-\udbff]$/, ''))}\\#${digest}`
}

/** What {@link storedText} stored. */
export function shownText(stored: string): string {
  if (!stored.includes('\\')) return stored
  return stored.replaceAll(/\\(?:u([\da-f]{4})|(.))/gs, (_, code?: string, letter?: string) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
    if (letter === '0') return '\0'
    return letter === '#' ? '…' : (letter ?? '')
  })
}
