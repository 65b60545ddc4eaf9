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
export type { Fetch, PageDocument, PageLocation, PageWindow } from './page.ts'
export { type PageAccess, type PageAccessOptions, pageAccess } from './page-access.ts'
export { type StepUpOptions, secureFetch, withStepUp } from './step-up.ts'
