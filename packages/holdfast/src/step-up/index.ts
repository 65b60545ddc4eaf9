export type { FormField, FormSender, HeldForm, HeldForms } from '../adapters/guard/held-form.ts'
export type { EnrolledFactors, Enrolling, Enrolment } from './enrolment.ts'
export type {
  Factor,
  FactorOwner,
  FactorStore,
  Factors,
  Passkey,
  Pending,
  TotpFactor,
  VersionedFactors,
} from './factors.ts'
export {
  type FormStore,
  type HeldFormsOptions,
  heldFormMarkup,
  heldForms,
  memoryForms,
} from './held-forms.ts'
export { memoryFactors } from './memory-factors.ts'
export type { PasskeyOptions, RelyingParty } from './passkeys.ts'
export type { Answer } from './prove.ts'
export {
  type FactorProof,
  type Offer,
  STEP_UP_ACR,
  type StepUp,
  type StepUpCalls,
  type StepUpOptions,
  stepUp,
  type Unproved,
} from './step-up.ts'
export type { Begun, Tickets } from './tickets.ts'
export { totpCode } from './totp.ts'
