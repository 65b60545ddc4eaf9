import { findContext, sameDevice, sameNetwork, VISIT_GAP_MS } from '../core/context.ts'
import type { Decision } from '../core/decision.ts'
import { failuresOf } from '../core/prompts.ts'
import type { SessionState } from '../core/session.ts'
import type { Presented, Verification } from '../core/sessions.ts'
import { rotationDue } from './advance.ts'
import { accessFor, passed } from './answer.ts'
import { decide } from './decide.ts'
import { judgeLive, type Weighable } from './live.ts'
import type { Opened } from './load.ts'
import type { Parts } from './parts.ts'
import { touchIfDue } from './save.ts'
import { acrMet, carriedEvidence, provedAt } from './weigh.ts'

/** Judges one presentation of a token: the ten steps of the design, in their order. */
export function verify(parts: Parts, presented: Presented): Promise<Verification> {
  return judgeLive(parts, { presented, kind: 'session' }, (opened, shown) => {
    const { found, state } = opened
    if (!unchanged(parts, opened, shown)) return decide(parts, opened, shown)
    const decision = quietDecision(parts, state, shown.presentation.at)
    if (decision.outcome !== 'allow') return decide(parts, opened, shown)
    const answer = { decision, access: accessFor(shown) }
    const touched = touchIfDue(parts, found, shown.presentation)
    if (touched === undefined) return passed(parts, state, found, answer)
    return touched.then(() => passed(parts, state, found, answer))
  })
}

/** Nothing new to weigh, nothing to write, nothing the route asks for: nearly every request. */
function unchanged(parts: Parts, opened: Opened, shown: Weighable): boolean {
  const { presentation, presented, row } = shown
  const { last, family } = opened.state
  if (row.row !== 'current' || row.first) return false
  // A context that never was noted as using the secret could not have a request in flight when it is replaced.
  if (!family.contexts.includes(last.context)) return false
  if (presented.deliverable === true && rotationDue(parts, family, presentation)) return false
  return nothingNew(parts, opened, shown)
}

/** The session's last place and device once more, nothing against it, and nothing the route asks for. */
export function nothingNew(parts: Parts, { state, found }: Opened, shown: Weighable): boolean {
  const { presentation, presented } = shown
  const { last, family } = state
  if (state.fork !== null) return false
  if (presentation.sensitivity !== 'normal' || presented.freshWithin !== undefined) return false
  if (!sameNetwork(presentation.network, last.network)) return false
  if (!sameDevice(presentation.device, last.device)) return false
  const context = findContext(state.contexts, last.context)
  if (context === undefined || context.state === 'challenged') return false
  if (failuresOf(state.failures, last.context) > 0) return false
  if (presented.acr !== undefined) {
    if (!provedAt(state, last.context)) return false
    if (!acrMet(family.acr, presented.acr, parts.acrOrder)) return false
  }
  const silence = presentation.at - (found.lastActivity ?? last.at)
  return context.state === 'confirmed' || silence < VISIT_GAP_MS
}

/** What the policy says of the last context when nothing but its own decaying evidence is on the scales. */
export function quietDecision(parts: Parts, state: SessionState, at: number): Decision {
  const context = findContext(state.contexts, state.last.context)
  return parts.policy(context === undefined ? [] : carriedEvidence(context, at), {
    sensitivity: 'normal',
    reading: true,
    context: context?.state ?? 'new',
    networkConfirmed: false,
    missing: [],
    forked: false,
    canStepUp: state.factors.length > 0,
    signalFailed: false,
    prompts: 0,
    contradiction: null,
  })
}
