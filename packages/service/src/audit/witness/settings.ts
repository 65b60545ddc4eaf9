import { SessionError } from 'holdfast'
import { z } from 'zod'
import type { Witness } from './ask-witness.ts'
import { witnessVerifier } from './cosignature.ts'

const MOST_WITNESSES = 16

/** `auditWitnesses`, as it is written. */
export const auditWitnesses = z
  .array(
    z.strictObject({
      url: z
        .url({ protocol: /^https?$/, message: 'must be an http or https URL' })
        .max(2_048)
        .refine((text) => !/[?#@]/.test(text), 'must be without credentials, query and fragment'),
      key: z
        .string()
        .max(512)
        .refine(isWitnessKey, 'must be the verifier key of a witness, NAME+ID+KEY'),
    }),
  )
  .max(MOST_WITNESSES)
  .refine(
    (all) => new Set(all.map(({ key }) => key.split('+')[0])).size === all.length,
    'must have another name in the key of each entry',
  )

export type WitnessConfig = z.infer<typeof auditWitnesses>[number]

export function witnessOf({ url, key }: WitnessConfig): Witness {
  return { url, verifier: witnessVerifier(key) }
}

function isWitnessKey(text: string): boolean {
  try {
    witnessVerifier(text)
    return true
  } catch (error) {
    if (error instanceof SessionError) return false
    throw error
  }
}
