import type * as Otpauth from 'otpauth'
import { SessionError } from '../core/errors.ts'
import type { Host } from '../core/host.ts'
import { optionalPackage } from '../core/optional-package.ts'

const PERIOD_S = 30
const DIGITS = 6

/** 160 bits, as RFC 4226, section 4, recommends. */
const SECRET_BYTES = 20

/** Many services still hand out no more. */
const MIN_SECRET_BYTES = 10

/**
 * The code that an authenticator app shows at an instant (RFC 6238: SHA-1, 30 s, 6 digits). `at`:
 * UTC, ms.
 */
export async function totpCode(secret: string, at: number): Promise<string> {
  return (await totpOf({ secret })).generate({ timestamp: at })
}

/** The 30 s step of an instant. */
export function stepAt(at: number): number {
  return Math.floor(at / 1000 / PERIOD_S)
}

/**
 * The step that a code belongs to: this one, or the one before or after it (RFC 6238, section 5.2);
 * `used` where that is `lastStep` or one before. Full-width digits are digits (NFKC).
 */
export async function matchingStep(
  { secret, lastStep }: { readonly secret: string; readonly lastStep: number },
  code: string,
  at: number,
): Promise<number | 'used' | undefined> {
  const token = digitsOf(code)
  if (token === undefined) return undefined
  const delta = (await totpOf({ secret })).validate({ token, timestamp: at, window: 1 })
  if (delta === null) return undefined
  const step = stepAt(at) + delta
  return step > lastStep ? step : 'used'
}

/** Longer texts are no codes in any spelling, and need no normalising. */
const MAX_CODE_LENGTH = 64

/**
 * The ASCII digits of a code as it was typed. Undefined for everything else: the comparison of the
 * library throws for texts that have more bytes than characters.
 */
function digitsOf(code: string): string | undefined {
  if (code.length > MAX_CODE_LENGTH) return undefined
  const plain = code.normalize('NFKC')
  return CODE.test(plain) ? plain : undefined
}

const CODE = new RegExp(`^[0-9]{${DIGITS}}$`)

/** A new secret, base32. */
export async function newSecret(host: Pick<Host, 'random'>): Promise<string> {
  const { Secret } = await library()
  return new Secret({ buffer: Uint8Array.from(host.random(SECRET_BYTES)).buffer }).base32
}

/** What an authenticator app scans (Key Uri Format). */
export async function totpUri(secret: string, issuer: string, label: string): Promise<string> {
  return (await totpOf({ secret, issuer, label })).toString()
}

/** The secret as it is kept. Throws `config_invalid` for one that could be guessed, or is none. */
export async function checkedSecret(secret: string): Promise<string> {
  const { secret: key } = await totpOf({ secret })
  if (key.bytes.length >= MIN_SECRET_BYTES) return key.base32
  throw new SessionError('config_invalid', 'A TOTP secret is too short.')
}

async function totpOf({
  secret,
  ...named
}: {
  readonly secret: string
  readonly issuer?: string
  readonly label?: string
}): Promise<Otpauth.TOTP> {
  const { Secret, TOTP } = await library()
  try {
    const key = Secret.fromBase32(secret)
    return new TOTP({ ...named, secret: key, algorithm: 'SHA1', digits: DIGITS, period: PERIOD_S })
  } catch (cause) {
    throw new SessionError('config_invalid', 'A TOTP secret is not base32.', { cause })
  }
}

function library(): Promise<typeof Otpauth> {
  return optionalPackage(() => import('otpauth'), {
    whatFor: 'stepUp() with one-time passwords',
    name: 'otpauth',
    version: '9',
  })
}
