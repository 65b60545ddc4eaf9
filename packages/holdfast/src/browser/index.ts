export {
  attachTo,
  clientFacts,
  encodeFacts,
  FACTS_NAME,
  type FactsForm,
  keepFacts,
  type PageFacts,
  refreshFacts,
} from './facts.ts'
export { continueForm, type HeldFormPage } from './held-form.ts'
export type { Fetch, PageDocument, PageLocation, PageWindow } from './page.ts'
export { type PageAccess, type PageAccessOptions, pageAccess } from './page-access.ts'
export { canPasskeys, newPasskey, type PasskeyWindow, provePasskey } from './passkeys.ts'
export { type StepUpOptions, secureFetch, withStepUp } from './step-up.ts'
