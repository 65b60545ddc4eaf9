import { createHash } from 'node:crypto'
import { sameText } from '../core/constant-time.ts'
import type { Host } from '../core/host.ts'
import type { FactorOwner } from './factors.ts'

const CODES = 10
/** RFC 4648, section 6: nothing that looks like a one or a zero. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
/**
 * 120 bits: nothing to guess, and nothing that a fast digest would give away (NIST SP 800-63B-4,
 * 3.1.2).
 */
const LETTERS_A_CODE = 24

/** Codes as they are shown once: six groups of four letters. */
export function newCodes(host: Pick<Host, 'random'>): readonly string[] {
  return Array.from({ length: CODES }, () => {
    const letters = Array.from(host.random(LETTERS_A_CODE), (byte) => LETTERS.charAt(byte & 31))
    return (letters.join('').match(/.{4}/g) ?? []).join('-')
  })
}

/** What is kept of a code. Case, width (NFKC), spaces and hyphens do not count. */
export function digestOf(owner: FactorOwner, code: string): string {
  const plain = code
    .normalize('NFKC')
    .toUpperCase()
    .replaceAll(/[\s\p{Pd}]/gu, '')
  const text = JSON.stringify(['recovery code', owner.tenant, owner.subject, plain])
  return createHash('sha256').update(text).digest('base64url')
}

/**
 * The codes that are left once this one is used; undefined when it is none of them. Looks at all of
 * them.
 */
export function withoutCode(
  kept: readonly string[],
  digest: string,
): readonly string[] | undefined {
  const left = kept.filter((one) => !sameText(one, digest))
  return left.length === kept.length ? undefined : left
}
