import type { Claims } from '../codecs/codec.ts'
import { findContext, sameDevice, sameNetwork, VISIT_GAP_MS } from '../core/context.ts'
import type { Decision } from '../core/decision.ts'
import { lifetimeVerdict } from '../core/lifetimes.ts'
import type { Row } from '../core/ratchet.ts'
import type { SessionState } from '../core/session.ts'
import type { Presented, Verification } from '../core/sessions.ts'
import { rotationDue } from './advance.ts'
import { passed } from './answer.ts'
import { decide } from './decide.ts'
import { expire, superseded } from './end.ts'
import { load, type Opened } from './load.ts'
import type { Parts } from './parts.ts'
import { authenticate, lineOf, presentationOf, type Shown } from './present.ts'
import { contended, TRIES, touchIfDue } from './save.ts'
import { acrMet, carriedEvidence } from './weigh.ts'

/** Judges one presentation of a token: the ten steps of the design, in their order. */
export async function verify(parts: Parts, presented: Presented): Promise<Verification> {
  const at = parts.host.now()
  const claims = authenticate(parts, presented, at)
  if (typeof claims === 'string') return { ok: false, code: claims }
  const presentation = presentationOf(parts, presented, at)

  for (let tries = 0; tries < TRIES; tries++) {
    const opened = await load(parts, claims.session)
    if (opened === undefined) return unknown(parts, claims, at)
    const answer = await judgeOpened(parts, opened, { presented, presentation, claims })
    if (answer !== 'lost_race') return answer
  }
  throw contended()
}

async function judgeOpened(
  parts: Parts,
  opened: Opened,
  shown: Shown,
): Promise<Verification | 'lost_race'> {
  const { found, state } = opened
  const { presentation, claims } = shown
  const { at } = presentation

  if (lifetimeVerdict(state, found.lastActivity, at) !== 'live') {
    await expire(parts, opened, presentation)
    return { ok: false, code: 'session_expired' }
  }
  const line = lineOf(state, shown)
  if (line === 'dead') {
    await superseded(parts, claims, presentation)
    return { ok: false, code: 'token_superseded' }
  }
  if (unchanged(parts, opened, shown, line)) {
    const decision = quietDecision(parts, state, at)
    if (decision.outcome === 'allow') {
      await touchIfDue(parts, found, shown.presentation)
      return passed(parts, state, found, { decision })
    }
  }
  return decide(parts, opened, { ...shown, row: line })
}

/** Nothing new to weigh, nothing to write, nothing the route asks for: nearly every request. */
function unchanged(parts: Parts, { state, found }: Opened, shown: Shown, row: Row): boolean {
  const { presentation, presented } = shown
  const { last, family } = state
  if (row.row !== 'current' || row.first || state.fork !== null) return false
  if (presentation.sensitivity !== 'normal' || presented.freshWithin !== undefined) return false
  if (presented.acr !== undefined && !acrMet(family.acr, presented.acr, parts.acrOrder))
    return false
  if (presented.deliverable === true && rotationDue(parts, family, presentation)) return false
  if (!sameNetwork(presentation.network, last.network)) return false
  if (!sameDevice(presentation.device, last.device)) return false
  const context = findContext(state.contexts, last.context)
  if (context === undefined || context.state === 'challenged' || context.failures > 0) return false
  const silence = presentation.at - (found.lastActivity ?? last.at)
  return context.state === 'confirmed' || silence < VISIT_GAP_MS
}

/** What the policy says of the last context when nothing but its own decaying evidence is on the scales. */
function quietDecision(parts: Parts, state: SessionState, at: number): Decision {
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

function unknown(parts: Parts, { session }: Claims, at: number): Verification {
  parts.journal.tell([
    parts.journal.event('token-unknown', { at, session, reason: 'session_unknown' }),
  ])
  return { ok: false, code: 'session_unknown' }
}
