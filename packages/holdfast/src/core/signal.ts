import type { Evidence } from './evidence.ts'
import type { SubjectHistory } from './history.ts'
import type { Presentation } from './request.ts'
import type { SessionState } from './session.ts'

/**
 * Looks at one group of evidence. Pure: no clock, no I/O, no randomness; lookups come in as
 * options. Missing data must lead to an empty answer, which means "nothing to say". A signal is
 * synchronous and cannot be interrupted, so its time delays every request. `timed` reports a slow
 * one.
 */
export type Signal = (
  session: SessionState,
  presentation: Presentation,
  history: SubjectHistory,
) => readonly Evidence[]
