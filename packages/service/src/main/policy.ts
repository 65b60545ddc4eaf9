import { type Policy, thresholdPolicy } from 'holdfast'
import { type PolicyChoice, thresholdsOf } from '../config/policy.ts'

/** A policy as the configuration has it. */
export function policyOf(choice: PolicyChoice): Policy {
  return thresholdPolicy(thresholdsOf(choice))
}
