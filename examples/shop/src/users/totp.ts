import { Secret, TOTP } from 'otpauth'

const PERIOD_S = 30

/** One subject's time-based one-time passwords (RFC 6238). */
export interface Totp {
  /** What an authenticator app scans or is told. */
  readonly uri: string
  readonly secret: string
  /** The code that a phone would show at `at`, for how many seconds it still will, and whether it was accepted already. */
  code(at: number): {
    readonly code: string
    readonly secondsLeft: number
    readonly used: boolean
  }
  /**
   * True for the code of this step or of the one before or after it, and for each step only once
   * (RFC 6238, section 5.2: a code that was accepted is never accepted again).
   */
  accept(code: string, at: number): boolean
}

/** @param secret Base32 (RFC 4648), at least 16 bytes. */
export function totp(label: string, secret: string): Totp {
  const generator = new TOTP({
    issuer: 'Kelp & Keel',
    label,
    algorithm: 'SHA1', // what every authenticator app understands
    digits: 6,
    period: PERIOD_S,
    secret: Secret.fromBase32(secret),
  })
  let lastStep = Number.NEGATIVE_INFINITY

  return {
    uri: generator.toString(),
    secret,
    code: (at) => ({
      code: generator.generate({ timestamp: at }),
      secondsLeft: PERIOD_S - (Math.floor(at / 1000) % PERIOD_S),
      used: stepAt(at) <= lastStep,
    }),
    accept: (code, at) => {
      if (!/^\d{6}$/.test(code)) return false
      const delta = generator.validate({ token: code, timestamp: at, window: 1 })
      if (delta === null) return false
      const step = stepAt(at) + delta
      if (step <= lastStep) return false
      lastStep = step
      return true
    },
  }
}

function stepAt(at: number): number {
  return Math.floor(at / 1000 / PERIOD_S)
}
