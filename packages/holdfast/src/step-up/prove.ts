import type { Factor, FactorOwner, Factors } from './factors.ts'
import { withWrongCode } from './guesses.ts'
import type { StepUpParts } from './parts.ts'
import { digestOf, withoutCode } from './recovery.ts'
import { matchingStep } from './totp.ts'

/** The fields of the step-up page's form. Texts may have any length; too long ones are wrong. */
export interface Answer {
  readonly factor: string
  readonly value: string
}

/** An answer, and what it answers. */
export interface FactorAttempt {
  readonly owner: FactorOwner
  readonly challenge: string
  readonly answer: Answer
  readonly network: string
  readonly at: number
}

/** What an answer proves, and what changes in the record of factors. */
export type FactorResult =
  | {
      readonly ok: true
      readonly factor: Factor
      readonly amr: readonly string[]
      readonly change: Partial<Factors>
    }
  | {
      readonly ok: false
      readonly change?: Partial<Factors>
      /** It is right, and counted already, from a network where a factor was proved. */
      readonly isUsed?: boolean
    }

/** Checks one answer by the factor that it names. */
export async function proveFactor(
  { passkeys }: Pick<StepUpParts, 'passkeys'>,
  kept: Factors,
  { owner, challenge, answer: { factor, value }, network, at }: FactorAttempt,
): Promise<FactorResult> {
  // Most parsers make a list of a form's repeated field: that is no answer.
  if (typeof value !== 'string') return WRONG
  switch (factor) {
    case 'passkey': {
      const used = await passkeys?.verify(kept, { challenge, value, at })
      if (used === undefined) return WRONG
      const all = kept.passkeys.map((one) => (one.id === used.id ? used : one))
      if (used.cloned) return { ok: false, change: { passkeys: all } }
      // RFC 8176, section 2: the key cannot leave its device, or can; and the user was verified.
      // `phr` says that it cannot be relayed, whatever the application calls the `acr`.
      const amr = [used.deviceBound ? 'hwk' : 'swk', 'user', 'phr']
      return { ok: true, factor, amr, change: { passkeys: all } }
    }
    case 'totp': {
      if (kept.totp === null) return WRONG
      const lastStep = await matchingStep(kept.totp, value, at)
      // Who proved a factor here before may be typing it again after an outage.
      if (lastStep === 'used' && kept.places.includes(network)) return { ok: false, isUsed: true }
      if (typeof lastStep !== 'number') {
        return { ok: false, change: { wrong: withWrongCode(kept, network, at) } }
      }
      return { ok: true, factor, amr: ['otp'], change: { totp: { ...kept.totp, lastStep } } }
    }
    case 'recovery': {
      if (value.length > MAX_CODE_LENGTH) return WRONG
      const left = withoutCode(kept.recovery, digestOf(owner, value))
      if (left === undefined) return WRONG
      return { ok: true, factor, amr: ['kba'], change: { recovery: left } }
    }
    default:
      return WRONG
  }
}

/** Whether the subject has something to prove this factor with. */
export function hasFactor({ passkeys, totp, recovery }: Factors, factor: Factor): boolean {
  switch (factor) {
    case 'passkey':
      return passkeys.some(({ cloned }) => !cloned)
    case 'totp':
      return totp !== null
    case 'recovery':
      return recovery.length > 0
  }
}

const WRONG = { ok: false } as const
const MAX_CODE_LENGTH = 64
