import { contextKey, findContext } from '../../core/context.ts'
import { type Decision, decision } from '../../core/decision.ts'
import type { Evidence } from '../../core/evidence.ts'
import { failuresOf, MAX_FAILED_STEP_UPS, MAX_PROMPTS, recentPrompts } from '../../core/prompts.ts'
import type { SessionState } from '../../core/session.ts'
import type { Presented, StepUpBegun } from '../../core/sessions.ts'
import { evidenceOf } from '../../signals/reasons.ts'
import type { Parts } from '../context.ts'
import { CHALLENGE_MS, sealChallenge } from '../judging/challenge.ts'
import { factsOf, revokeNow, teach, weighOpened } from '../judging/decide.ts'
import { judgeLive, type Weighable } from '../judging/open-session.ts'
import type { Opened } from '../state/load.ts'
import { save } from '../state/save.ts'

const NONCE_BYTES = 16

/**
 * Judges the presentation once more (the page may have re-read its client facts) and, if it may be asked,
 * seals a challenge for exactly this session, secret and context.
 */
export function beginStepUp(parts: Parts, presented: Presented): Promise<StepUpBegun> {
  return judgeLive(parts, { presented, kind: 'session' }, (opened, shown) =>
    beginOpened(parts, opened, shown),
  )
}

async function beginOpened(
  parts: Parts,
  opened: Opened,
  shown: Weighable,
): Promise<StepUpBegun | 'lost_race'> {
  const { state, found } = opened
  const { presentation, claims } = shown
  const { at } = presentation
  const weighed = await weighOpened(parts, opened, shown)
  const { judged, session, events } = weighed
  if (judged.decision.outcome === 'revoke') return revokeNow(parts, state, shown, weighed)

  const key = contextKey(presentation.network, presentation.device)
  const confirmed = findContext(judged.next.contexts, key)?.state === 'confirmed'
  const failedOut = failuresOf(session.failures, key) >= MAX_FAILED_STEP_UPS
  const recent = recentPrompts(session.prompts, at)
  const exhausted = !confirmed && recent.length >= MAX_PROMPTS
  // After a fork the first failure ends the session: there the count is no use, and must not grow for ever.
  const denied =
    failedOut || judged.decision.outcome === 'deny' || (exhausted && session.fork === null)
  const asks = !denied && !exhausted && !confirmed
  const next: SessionState = asks ? { ...judged.next, prompts: [...recent, at] } : judged.next
  if (next !== session || session.fork !== state.fork) {
    const prompted = parts.journal.event('step-up-required', {
      ...factsOf(shown),
      decision: judged.decision,
      reason: 'step_up_begun',
    })
    const others = events.filter(({ type }) => type !== 'step-up-required')
    const outcome = await save(parts, {
      found,
      next,
      events: denied ? events : [...others, prompted],
      seenAt: undefined,
    })
    if (outcome === 'lost_race') return 'lost_race'
    if (outcome === 'gone') return { ok: false, code: 'session_revoked' }
  }
  await teach(parts, state, judged)
  if (denied) {
    const cause = failedOut
      ? evidenceOf('attempts_exhausted', 0)
      : evidenceOf('prompts_exhausted', 0, { prompts: recent.length })
    return {
      ok: false,
      code: 'context_refused',
      decision:
        judged.decision.outcome === 'deny' ? judged.decision : refusedFor(judged.decision, cause),
    }
  }
  return {
    ok: true,
    challenge: sealChallenge(parts.codec, {
      session: state.id,
      family: state.family.id,
      digest: claims.digest,
      context: key,
      acr: shown.presented.acr ?? null,
      expiresAt: at + CHALLENGE_MS,
      nonce: Buffer.from(parts.host.random(NONCE_BYTES)).toString('base64url'),
    }),
    expiresAt: at + CHALLENGE_MS,
    subject: state.subject,
    tenant: state.tenant,
    factors: state.factors,
    decision: judged.decision,
  }
}

/** As many prompts as may be: whatever else speaks for this context, people give in to a flood of them. */
function refusedFor({ because }: Decision, cause: Evidence): Decision {
  return decision('deny', [...because, cause])
}
