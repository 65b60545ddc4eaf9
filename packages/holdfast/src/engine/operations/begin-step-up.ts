import { contextKey, findContext } from '../../core/context.ts'
import { type Decision, decision } from '../../core/decision.ts'
import type { Evidence } from '../../core/evidence.ts'
import { CHALLENGE_MS } from '../../core/lifetimes.ts'
import { failuresOf, MAX_FAILED_STEP_UPS, MAX_PROMPTS, recentPrompts } from '../../core/prompts.ts'
import type { SessionState } from '../../core/session.ts'
import type { Presented, StepUpBegun } from '../../core/sessions.ts'
import { evidenceOf } from '../../signals/reasons.ts'
import type { EngineContext, OpenedSession } from '../context.ts'
import { sealChallenge } from '../judging/challenge.ts'
import { type Decided, revokeNow, weighAndDecide } from '../judging/decide.ts'
import { denialCause, isRefusalDue } from '../judging/decision-events.ts'
import { withLiveSession } from '../judging/open-session.ts'
import {
  authenticatedPresentation,
  factsOf,
  type MatchedPresentation,
} from '../judging/presentation.ts'
import { learnContext } from '../state/history.ts'
import { save } from '../state/save.ts'

const NONCE_BYTES = 16

/**
 * Judges the presentation once more, because the page may have re-read its client facts. If the
 * context may be asked, seals a challenge for exactly this session, secret and context.
 */
export async function beginStepUp(
  engine: EngineContext,
  presented: Presented,
): Promise<StepUpBegun> {
  const authenticated = authenticatedPresentation(engine, presented, 'session')
  if ('ok' in authenticated) return authenticated
  if (authenticated.presentation.speculative) return { ok: false, code: 'speculative_request' }
  return withLiveSession<StepUpBegun>(engine, authenticated, (opened, matched) =>
    beginOpened(engine, opened, matched),
  )
}

async function beginOpened(
  engine: EngineContext,
  opened: OpenedSession,
  matched: MatchedPresentation,
): Promise<StepUpBegun | 'lost_race'> {
  const { found } = opened
  const state = opened.record.state()
  const decided = await weighAndDecide(engine, opened, matched)
  const { settled, session } = decided
  if (settled.decision.outcome === 'revoke') return revokeNow(engine, state, matched, decided)

  const { recent, confirmed, exhausted, denied } = promptsOf(decided, matched)
  const asks = !denied && !exhausted && !confirmed
  const next: SessionState = asks
    ? { ...settled.next, prompts: [...recent, matched.presentation.at] }
    : settled.next
  const events = stepUpEvents(engine, matched, decided, { asks, denied })
  if (next !== session || session.fork !== state.fork) {
    const outcome = await save(engine, { found, next, events, seenAt: undefined })
    if (outcome === 'lost_race') return 'lost_race'
    if (outcome === 'gone') return { ok: false, code: 'session_revoked' }
  } else if (events.length > 0) {
    await engine.eventWriter.append(state.id, events)
  }
  await learnContext(engine, state, settled.historyUpdate)
  if (denied !== undefined) return { ok: false, code: 'context_refused', decision: denied }
  return begun(engine, state, matched, decided)
}

/** What the prompts and failures so far mean for another prompt from this context. */
function promptsOf(
  { session, settled }: Decided,
  { presentation }: MatchedPresentation,
): {
  readonly recent: readonly number[]
  readonly confirmed: boolean
  readonly exhausted: boolean
  /** The decision that refuses the context. Undefined: it may be asked. */
  readonly denied: Decision | undefined
} {
  const key = contextKey(presentation.network, presentation.device)
  const confirmed = findContext(settled.next.contexts, key)?.state === 'confirmed'
  const recent = recentPrompts(session.prompts, presentation.at)
  const exhausted = !confirmed && recent.length >= MAX_PROMPTS
  const failedOut = failuresOf(session.failures, key) >= MAX_FAILED_STEP_UPS
  const { outcome } = settled.decision
  // After a fork the first failure ends the session. The count of prompts is of no use there, and
  // must not grow for ever.
  const denies = failedOut || outcome === 'deny' || (exhausted && session.fork === null)
  const cause = failedOut
    ? evidenceOf('attempts_exhausted', 0)
    : evidenceOf('prompts_exhausted', 0, { prompts: recent.length })
  const denied = denies ? withDenial(settled.decision, cause) : undefined
  return { recent, confirmed, exhausted, denied }
}

/** Whatever else speaks for this context: people give in to a flood of prompts. */
function withDenial(before: Decision, cause: Evidence): Decision {
  return before.outcome === 'deny' ? before : decision('deny', [...before.because, cause])
}

/**
 * What the judgement changed, and that somebody is asked, or is refused for good. Every prompt is
 * told that counts; the others are a sample, as refusals are.
 */
function stepUpEvents(
  engine: EngineContext,
  matched: MatchedPresentation,
  { events, settled, session, weighing }: Decided,
  { asks, denied }: { readonly asks: boolean; readonly denied: Decision | undefined },
): Decided['events'] {
  const others = events.filter(
    ({ event: { type, decision } }) => type !== 'step-up-required' && decision?.outcome !== 'deny',
  )
  const { key } = weighing
  const { presentation } = matched
  const reason = denied === undefined ? 'step_up_begun' : denialCause(denied)
  if (!isRefusalDue(engine, session, { key, cause: reason, presentation }) && !asks) return others
  const decision = denied ?? settled.decision
  const type = denied === undefined ? 'step-up-required' : 'anomaly-detected'
  return [
    ...others,
    engine.eventWriter.event(type, { ...factsOf(matched, session), decision, reason }),
  ]
}

function begun(
  { codec, host }: EngineContext,
  state: SessionState,
  { presentation, claims }: MatchedPresentation,
  { acr, settled: { decision } }: Decided,
): StepUpBegun {
  const expiresAt = presentation.at + CHALLENGE_MS
  return {
    ok: true,
    challenge: sealChallenge(codec, {
      session: state.id,
      family: state.family.id,
      digest: claims.digest,
      context: contextKey(presentation.network, presentation.device),
      acr: acr ?? null,
      expiresAt,
      nonce: Buffer.from(host.random(NONCE_BYTES)).toString('base64url'),
    }),
    expiresAt,
    subject: state.subject,
    tenant: state.tenant,
    factors: state.factors,
    decision,
  }
}
