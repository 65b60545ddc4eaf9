import { acrMet } from '../../core/acr.ts'
import { sameText } from '../../core/constant-time.ts'
import { findContext, sameDevice, sameNetwork, VISIT_GAP_MS } from '../../core/context.ts'
import type { Decision } from '../../core/decision.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import { failuresOf } from '../../core/prompts.ts'
import type { Row } from '../../core/rotation.ts'
import type { SessionState } from '../../core/session.ts'
import type { Presented, Verification } from '../../core/sessions.ts'
import type { Parts } from '../context.ts'
import { accessFor, passed, passedNow } from '../judging/answer.ts'
import { decide } from '../judging/decide.ts'
import { judgeShown, shownBy, type Weighable } from '../judging/open-session.ts'
import type { Shown } from '../judging/presentation.ts'
import { rotationDue } from '../judging/rotation.ts'
import { carriedEvidence, provedAt } from '../judging/weigh.ts'
import type { Opened } from '../state/load.ts'
import { touchDue, touchIfDue } from '../state/save.ts'

/** Judges one presentation of a token: the ten steps of the design, in their order. */
export async function verify(parts: Parts, presented: Presented): Promise<Verification> {
  const shown = shownBy(parts, presented, 'session')
  if ('ok' in shown) return shown
  const copied = judgeCopy(parts, shown)
  if (copied === undefined) {
    parts.copies?.asked('miss')
    return judgeShown(parts, shown, (...read) => judgeRead(parts, ...read))
  }
  const { opened, decision } = copied
  return passed(parts, opened.state, opened.found, { decision, access: accessFor(shown) })
}

/**
 * {@link verify}, as far as it goes without asking or waiting for anybody: what is no token of ours is refused, and a local
 * copy that says `allow` lets pass. Undefined: ask `verify`.
 */
export function verifyNow(parts: Parts, presented: Presented): Verification | undefined {
  const shown = shownBy(parts, presented, 'session')
  if ('ok' in shown) return shown
  if (presented.audience !== undefined) return undefined
  const copied = judgeCopy(parts, shown)
  if (copied === undefined) return undefined
  const { opened, decision } = copied
  return passedNow(parts, opened.state, opened.found, { decision })
}

function judgeRead(
  parts: Parts,
  opened: Opened,
  shown: Weighable,
): Promise<Verification | 'lost_race'> | Verification {
  const { state, found } = opened
  const decision = judgeQuietly(parts, opened, shown)
  if (decision === undefined) return decide(parts, opened, shown)
  const answer = { decision, access: accessFor(shown) }
  const touched = touchIfDue(parts, found, shown.presentation)
  if (touched === undefined) return passed(parts, state, found, answer)
  return touched.then(() => passed(parts, state, found, answer))
}

/** Whatever is not quite as it was is judged on what the store says; so is whatever a fresh read alone can tell. */
function judgeCopy(
  parts: Parts,
  shown: Shown,
): { readonly opened: Opened; readonly decision: Decision } | undefined {
  const { claims, presentation, presented } = shown
  const { at } = presentation
  const opened = parts.copies?.get(claims.session, at)
  if (opened === undefined || presented.acr !== undefined) return undefined
  const { found, state } = opened
  const { issued, acked, id } = state.family
  if (found.version < parts.versions.seen(found.id)) return undefined
  if (lifetimeVerdict(state, found.lastActivity, at) !== 'live' || touchDue(found, at))
    return undefined
  const newest = claims.family === id && claims.generation === issued.generation
  if (!newest || issued.generation !== acked.generation) return undefined
  if (!sameText(claims.digest, issued.digest)) return undefined
  const decision = judgeQuietly(parts, opened, { ...shown, row: CURRENT })
  if (decision === undefined) return undefined
  parts.copies?.asked('hit')
  return { opened, decision }
}

const CURRENT: Row = { row: 'current', first: false }

/** That it may pass; undefined where there is something to weigh. */
function judgeQuietly(parts: Parts, opened: Opened, shown: Weighable): Decision | undefined {
  if (!unchanged(parts, opened, shown)) return undefined
  const decision = quietDecision(parts, opened.state, shown.presentation.at)
  return decision.outcome === 'allow' ? decision : undefined
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
  const evidence = context === undefined ? [] : carriedEvidence(context, at)
  return parts.scalesOf(state.tenant).quietly(evidence, {
    context: context?.state ?? 'new',
    canStepUp: state.factors.length > 0,
  })
}
