import { contextKey, findContext } from '../../core/context.ts'
import { type Decision, decision } from '../../core/decision.ts'
import type { Evidence } from '../../core/evidence.ts'
import { CHALLENGE_MS } from '../../core/lifetimes.ts'
import { failuresOf, MAX_FAILED_STEP_UPS, MAX_PROMPTS, recentPrompts } from '../../core/prompts.ts'
import type { SessionState } from '../../core/session.ts'
import type { Presented, StepUpBegun } from '../../core/sessions.ts'
import { evidenceOf } from '../../signals/reasons.ts'
import type { EngineContext } from '../context.ts'
import { sealChallenge } from '../judging/challenge.ts'
import { factsOf, revokeNow, updateHistory, weighSession } from '../judging/decide.ts'
import { judgeLive, type MatchedPresentation } from '../judging/open-session.ts'
import type { OpenedSession } from '../state/load.ts'
import { save } from '../state/save.ts'

const NONCE_BYTES = 16

/**
 * Judges the presentation once more (the page may have re-read its client facts) and, if it may be asked,
 * seals a challenge for exactly this session, secret and context.
 */
export function beginStepUp(engine: EngineContext, presented: Presented): Promise<StepUpBegun> {
  return judgeLive(engine, { presented, kind: 'session' }, (opened, shown) =>
    beginOpened(engine, opened, shown),
  )
}

async function beginOpened(
  engine: EngineContext,
  opened: OpenedSession,
  shown: MatchedPresentation,
): Promise<StepUpBegun | 'lost_race'> {
  const { state, found } = opened
  const { presentation, claims } = shown
  const { at } = presentation
  const weighed = await weighSession(engine, opened, shown)
  const { settled, session, events } = weighed
  if (settled.decision.outcome === 'revoke') return revokeNow(engine, state, shown, weighed)

  const key = contextKey(presentation.network, presentation.device)
  const confirmed = findContext(settled.next.contexts, key)?.state === 'confirmed'
  const failedOut = failuresOf(session.failures, key) >= MAX_FAILED_STEP_UPS
  const recent = recentPrompts(session.prompts, at)
  const exhausted = !confirmed && recent.length >= MAX_PROMPTS
  // After a fork the first failure ends the session: there the count is no use, and must not grow for ever.
  const denied =
    failedOut || settled.decision.outcome === 'deny' || (exhausted && session.fork === null)
  const asks = !denied && !exhausted && !confirmed
  const next: SessionState = asks ? { ...settled.next, prompts: [...recent, at] } : settled.next
  if (next !== session || session.fork !== state.fork) {
    const prompted = engine.eventWriter.event('step-up-required', {
      ...factsOf(shown),
      decision: settled.decision,
      reason: 'step_up_begun',
    })
    const others = events.filter(({ type }) => type !== 'step-up-required')
    const outcome = await save(engine, {
      found,
      next,
      events: denied ? events : [...others, prompted],
      seenAt: undefined,
    })
    if (outcome === 'lost_race') return 'lost_race'
    if (outcome === 'gone') return { ok: false, code: 'session_revoked' }
  }
  await updateHistory(engine, state, settled)
  if (denied) {
    const cause = failedOut
      ? evidenceOf('attempts_exhausted', 0)
      : evidenceOf('prompts_exhausted', 0, { prompts: recent.length })
    return {
      ok: false,
      code: 'context_refused',
      decision:
        settled.decision.outcome === 'deny'
          ? settled.decision
          : refusedFor(settled.decision, cause),
    }
  }
  return {
    ok: true,
    challenge: sealChallenge(engine.codec, {
      session: state.id,
      family: state.family.id,
      digest: claims.digest,
      context: key,
      acr: shown.presented.acr ?? null,
      expiresAt: at + CHALLENGE_MS,
      nonce: Buffer.from(engine.host.random(NONCE_BYTES)).toString('base64url'),
    }),
    expiresAt: at + CHALLENGE_MS,
    subject: state.subject,
    tenant: state.tenant,
    factors: state.factors,
    decision: settled.decision,
  }
}

/** As many prompts as may be: whatever else speaks for this context, people give in to a flood of them. */
function refusedFor({ because }: Decision, cause: Evidence): Decision {
  return decision('deny', [...because, cause])
}
