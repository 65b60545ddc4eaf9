import { withWrong } from './attempts.ts'
import type { Factor, FactorOwner, Factors } from './factors.ts'
import { digestOf, withoutCode } from './recovery.ts'
import type { Answer, StepUpParts } from './step-up.ts'
import { matchingStep } from './totp.ts'

/** What an answer proves, and what has to be kept of it. */
export type Proved =
  | {
      readonly ok: true
      readonly factor: Factor
      readonly amr: readonly string[]
      readonly change: Partial<Factors>
    }
  | { readonly ok: false; readonly change?: Partial<Factors> }

export interface FactorAttempt {
  readonly owner: FactorOwner
  readonly challenge: string
  readonly answer: Answer
  readonly place: string
  readonly at: number
}

/** Judges one answer by the factor that it names. */
export async function provedBy(
  { passkeys: party }: Pick<StepUpParts, 'passkeys'>,
  kept: Factors,
  { owner, challenge, answer: { factor, value }, place, at }: FactorAttempt,
): Promise<Proved> {
  // A repeated field of a form is a list for most parsers, and no answer.
  if (typeof value !== 'string') return WRONG
  switch (factor) {
    case 'passkey': {
      const used = await party?.verify(kept, { challenge, value, at })
      if (used === undefined) return WRONG
      const all = kept.passkeys.map((one) => (one.id === used.id ? used : one))
      if (used.cloned) return { ok: false, change: { passkeys: all } }
      // RFC 8176, section 2: a key that cannot leave its device, or one that can; and a user who
      // was verified.
      const amr = [used.deviceBound ? 'hwk' : 'swk', 'user']
      return { ok: true, factor, amr, change: { passkeys: all } }
    }
    case 'totp': {
      if (kept.totp === null) return WRONG
      const step = await matchingStep(kept.totp, value, at)
      if (step === undefined) return { ok: false, change: { wrong: withWrong(kept, place, at) } }
      return {
        ok: true,
        factor,
        amr: ['otp'],
        change: { totp: { ...kept.totp, lastStep: step } },
      }
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

const WRONG = { ok: false } as const
const MAX_CODE_LENGTH = 64

/** Whether there is anything to prove this factor with. */
export function has({ passkeys: keys, totp, recovery }: Factors, factor: Factor): boolean {
  switch (factor) {
    case 'passkey':
      return keys.some(({ cloned }) => !cloned)
    case 'totp':
      return totp !== null
    case 'recovery':
      return recovery.length > 0
  }
}
