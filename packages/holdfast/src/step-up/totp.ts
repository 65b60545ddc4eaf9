import { createHmac } from 'node:crypto'
import { sameText } from '../core/constant-time.ts'
import { SessionError } from '../core/errors.ts'

const PERIOD_S = 30
const DIGITS = 6
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** 160 bits, as RFC 4226, section 4, recommends. */
export const TOTP_SECRET_BYTES = 20

/** Many services still hand out no more. */
const MIN_SECRET_BYTES = 10

/** The code that an authenticator app shows at an instant (RFC 6238: SHA-1, 30 s, 6 digits). `at`: UTC, ms. */
export function totpCode(secret: string, at: number): string {
  return codeOf(secret, stepAt(at))
}

/** The 30 s step of an instant. */
export function stepAt(at: number): number {
  return Math.floor(at / 1000 / PERIOD_S)
}

/**
 * The step that a code belongs to: this one, or the one before or after it (RFC 6238, section 5.2), but never
 * `lastStep` or one before; else undefined. As slow for a wrong code as for a right one.
 */
export function matchingStep(
  { secret, lastStep }: { readonly secret: string; readonly lastStep: number },
  code: string,
  at: number,
): number | undefined {
  const now = stepAt(at)
  let found: number | undefined
  for (const step of [now - 1, now, now + 1]) {
    const same = sameText(codeOf(secret, step), code)
    if (same && step > lastStep) found = step
  }
  return found
}

/** What an authenticator app scans (Key Uri Format). */
export function totpUri(secret: string, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`
  const query = new URLSearchParams({ secret, issuer, period: String(PERIOD_S) })
  return `otpauth://totp/${label}?${query}&algorithm=SHA1&digits=${DIGITS}`.replaceAll('+', '%20')
}

function codeOf(secret: string, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.max(0, step)))
  const mac = createHmac('sha1', fromBase32(secret)).update(counter).digest()
  // Dynamic truncation (RFC 4226, section 5.3)
  const word = mac.readUInt32BE((mac[mac.length - 1] ?? 0) & 15) & 0x7fffffff
  return String(word % 10 ** DIGITS).padStart(DIGITS, '0')
}

/** Throws `config_invalid` for a secret that could be guessed, or is none. */
export function checkSecret(secret: string): void {
  if (fromBase32(secret).length >= MIN_SECRET_BYTES) return
  throw new SessionError('config_invalid', 'A TOTP secret is too short.')
}

/** RFC 4648, section 6, without padding. */
export function toBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let word = 0
  for (const byte of bytes) {
    word = (word << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET.charAt((word >> (bits - 5)) & 31)
    word &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET.charAt((word << (5 - bits)) & 31)
}

/** Throws `config_invalid` for what is no base32: a damaged record must not become another key. */
function fromBase32(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let word = 0
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter)
    if (value < 0) throw new SessionError('config_invalid', 'A TOTP secret is not base32.')
    word = (word << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((word >> bits) & 255)
    word &= (1 << bits) - 1
  }
  return Buffer.from(bytes)
}
