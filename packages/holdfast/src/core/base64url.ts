const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const LETTERS = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0))
const VALUES = new Int8Array(128).fill(-1)
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i

/** Base64url without padding (RFC 4648, section 5). */
export function toBase64url(bytes: Uint8Array): string {
  let text = ''
  for (let start = 0; start < bytes.length; start += SLICE) text += encoded(bytes, start)
  return text
}

/** Bytes that become text in one step: appending letters costs a string each. */
const SLICE = 3 * 1_024

function encoded(bytes: Uint8Array, start: number): string {
  const size = Math.min(SLICE, bytes.length - start)
  const codes = new Uint8Array(Math.ceil((size * 4) / 3))
  let at = 0
  for (let i = start; i < start + size; i += 3) {
    const word = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    codes[at++] = LETTERS[word >> 18] ?? 0
    codes[at++] = LETTERS[(word >> 12) & 63] ?? 0
    // Beyond the end nothing is written.
    codes[at++] = LETTERS[(word >> 6) & 63] ?? 0
    codes[at++] = LETTERS[word & 63] ?? 0
  }
  return String.fromCharCode.apply(null, codes as unknown as number[])
}

/**
 * Undefined for anything but the one canonical spelling of a byte string: no padding, no white
 * space, no foreign letters, no stray bits in the last letter. Two spellings of one token would be
 * two tokens.
 */
export function fromBase64url(text: string): Uint8Array | undefined {
  const { length } = text
  const rest = length % 4
  if (rest === 1) return undefined
  const bytes = new Uint8Array(Math.floor((length * 3) / 4))
  let at = 0
  let i = 0
  for (; i < length - rest; i += 4) {
    const high = (valueAt(text, i) << 6) | valueAt(text, i + 1)
    const low = (valueAt(text, i + 2) << 6) | valueAt(text, i + 3)
    if ((high | low) < 0) return undefined
    bytes[at++] = high >> 4
    bytes[at++] = (high << 4) | (low >> 8)
    bytes[at++] = low
  }
  if (rest === 0) return bytes
  const last = rest === 3 ? valueAt(text, i + 2) : 0
  const word = (valueAt(text, i) << 12) | (valueAt(text, i + 1) << 6) | last
  if (word < 0) return undefined
  bytes[at++] = word >> 10
  if (rest === 3) bytes[at] = word >> 2
  const stray = rest === 3 ? word & 3 : word & 0x3ff
  return stray === 0 ? bytes : undefined
}

/** What a letter stands for. Below zero: it is none, and whatever is made of it, too. */
function valueAt(text: string, at: number): number {
  return VALUES[text.charCodeAt(at)] ?? -1
}
