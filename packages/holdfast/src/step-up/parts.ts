import type { Host } from '../core/host.ts'
import type { FactorStore } from './factors.ts'
import type { Passkeys } from './passkeys.ts'

/** What all calls of one `stepUp()` share. */
export interface StepUpParts {
  readonly store: FactorStore
  readonly host: Host
  /** What authenticators call the site. */
  readonly name: string
  /** Undefined without a relying party. */
  readonly passkeys: Passkeys | undefined
}
