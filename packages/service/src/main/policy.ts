import { type Policy, thresholdPolicy } from 'holdfast'
import { type PolicyChoice, thresholdsOf } from '../config/policy.ts'

/** A policy as the configuration has it. */
export function policyOf(choice: PolicyChoice): Policy {
  return thresholdPolicy(thresholdsOf(choice))
}

/** The same of each tenant that has one. */
export function policiesOf(
  tenants: Readonly<Record<string, PolicyChoice>>,
): Readonly<Record<string, Policy>> {
  return Object.fromEntries(
    Object.entries(tenants).map(([tenant, choice]) => [tenant, policyOf(choice)]),
  )
}
