import {
  type Costs,
  PRESETS,
  SessionError,
  type Thresholds,
  thresholdPolicy,
  thresholdsFor,
} from 'holdfast'
import { z } from 'zod'
import { sentenceOf } from '../issues.ts'

/** A policy as an operator writes it: by name, by thresholds, or by what these follow from. */
export type PolicyChoice = keyof typeof PRESETS | Thresholds | Costs

/** The fields that a policy may have where it is no name. */
export const POLICY_FIELDS = ['observe', 'challenge', 'limit', 'revokeForks', 'hijacks', 'missCost']

/**
 * The thresholds of a policy. Throws `config_invalid`, naming the field, for those that no policy
 * can have.
 */
export function thresholdsOf(choice: PolicyChoice): Thresholds {
  if (typeof choice === 'string') return PRESETS[choice].thresholds
  return 'hijacks' in choice ? thresholdsFor(choice) : choice
}

/** Reads a policy and names what is wrong with it, field by field. */
export const policyChoice = z.unknown().transform((value, context): PolicyChoice => {
  const read = formOf(value).safeParse(value, { reportInput: true })
  if (!read.success) {
    context.issues.push(...read.error.issues.map(asOwn))
    return z.NEVER
  }
  try {
    thresholdPolicy(thresholdsOf(read.data))
    return read.data
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
    const [field = '', ...problem] = error.message.replace(/\.$/, '').split(' ')
    context.addIssue({ code: 'custom', message: problem.join(' '), path: [field], input: value })
    return z.NEVER
  }
})

function asOwn(issue: z.core.$ZodIssue): z.core.$ZodRawIssue {
  const { path, input } = issue
  return issue.code === 'unrecognized_keys'
    ? { code: issue.code, keys: issue.keys, path, input: issue.input }
    : { code: 'custom', message: sentenceOf(issue), path, input }
}

/** A list of forms would only say that none fits; which one is meant is plain. */
function formOf(value: unknown): z.ZodType<PolicyChoice> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return byName
  return 'hijacks' in value || 'missCost' in value ? byCosts : byThresholds
}

const byName = z.enum(['lenient', 'balanced', 'strict'])

const byThresholds = z.strictObject({
  observe: z.number(),
  challenge: z.number(),
  limit: z.number(),
  revokeForks: z.boolean().default(false),
})

const byCosts = z.strictObject({
  hijacks: z.number(),
  missCost: z.number(),
  revokeForks: z.boolean().default(false),
})
