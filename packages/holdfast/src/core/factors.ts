/** Authentication methods (RFC 8176) that are a second factor by themselves. */
const SECOND_FACTORS: ReadonlySet<string> = new Set([
  'otp',
  'hwk',
  'swk',
  'mfa',
  'sms',
  'pop',
  'fpt',
  'face',
  'iris',
  'sc',
])

/**
 * Names of factors that answer the right site alone, so that nobody in between can pass the answer
 * on: `hwk` (RFC 8176), the `acr` values `phr` and `phrh` (OpenID EAP), and what applications call
 * WebAuthn. Not `swk` and `pop`: approvals in a telephone's app have them, too. One-time codes,
 * messages and recovery codes can be relayed.
 */
const PHISHING_RESISTANT: ReadonlySet<string> = new Set([
  'hwk',
  'phr',
  'phrh',
  'fido',
  'webauthn',
  'passkey',
])

/** The authentication context of what resists phishing (OpenID EAP). */
export const PHISHING_RESISTANT_ACR = 'phr'

/** What was proved: methods, and the authentication context that they reach. */
export interface ProvedFactors {
  readonly acr?: string | null | undefined
  readonly amr: readonly string[]
}

/** Whether one of these factors, or of what was proved, cannot be relayed by a phishing site. */
export function resistsPhishing({ acr, amr }: ProvedFactors): boolean {
  return [...amr, acr ?? ''].some((name) => PHISHING_RESISTANT.has(name))
}

/** Whether more than a first factor was proved. */
export function hasSecondFactor(proved: ProvedFactors): boolean {
  return proved.amr.some((method) => SECOND_FACTORS.has(method)) || resistsPhishing(proved)
}
