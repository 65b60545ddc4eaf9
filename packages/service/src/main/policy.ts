import { balanced, lenient, type Policy, strict } from 'holdfast'
import type { Config } from '../config/schema.ts'

/** A policy by its name in the configuration. */
export function policyOf(name: Config['policy']): Policy {
  switch (name) {
    case 'lenient':
      return lenient()
    case 'balanced':
      return balanced()
    case 'strict':
      return strict()
  }
}
