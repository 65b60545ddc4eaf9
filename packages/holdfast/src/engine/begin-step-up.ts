import { contextKey, findContext } from '../core/context.ts'
import { lifetimeVerdict } from '../core/lifetimes.ts'
import type { SessionState } from '../core/session.ts'
import type { Presented, StepUpBegun } from '../core/sessions.ts'
import { refusalOf } from './answer.ts'
import { CHALLENGE_MS, sealChallenge } from './challenge.ts'
import { factsOf, weighOpened } from './decide.ts'
import { expire, superseded } from './end.ts'
import { load, type Opened } from './load.ts'
import type { Parts } from './parts.ts'
import { authenticate, lineOf, presentationOf, type Shown } from './present.ts'
import { contended, save, TRIES } from './save.ts'

const PROMPT_WINDOW_MS = 3_600_000
const NONCE_BYTES = 16

/**
 * Judges the presentation once more (the page may have re-read its client facts) and, if it may be asked,
 * seals a challenge for exactly this session, secret and context.
 */
export async function beginStepUp(parts: Parts, presented: Presented): Promise<StepUpBegun> {
  const at = parts.host.now()
  const claims = authenticate(parts, presented, at)
  if (typeof claims === 'string') return { ok: false, code: claims }
  const shown: Shown = { presented, claims, presentation: presentationOf(parts, presented, at) }

  for (let tries = 0; tries < TRIES; tries++) {
    const opened = await load(parts, claims.session)
    if (opened === undefined) return { ok: false, code: 'session_unknown' }
    const begun = await beginOpened(parts, opened, shown)
    if (begun !== 'lost_race') return begun
  }
  throw contended()
}

async function beginOpened(
  parts: Parts,
  opened: Opened,
  shown: Shown,
): Promise<StepUpBegun | 'lost_race'> {
  const { state, found } = opened
  const { presentation, claims } = shown
  const { at } = presentation
  if (lifetimeVerdict(state, found.lastActivity, at) !== 'live') {
    await expire(parts, opened, presentation)
    return { ok: false, code: 'session_expired' }
  }
  const line = lineOf(parts, state, shown)
  if (line === 'dead') {
    await superseded(parts, claims, presentation)
    return { ok: false, code: 'token_superseded' }
  }
  const { judged, session, events } = await weighOpened(parts, opened, { ...shown, row: line })
  const { outcome } = judged.decision
  if (outcome === 'deny' || outcome === 'revoke') {
    const code = refusalOf(judged.decision, presentation) ?? 'context_refused'
    return { ok: false, code, decision: judged.decision }
  }

  const key = contextKey(presentation.network, presentation.device)
  const confirmed = findContext(judged.next.contexts, key)?.state === 'confirmed'
  const recent = session.prompts.filter((prompt) => at - prompt < PROMPT_WINDOW_MS)
  const next: SessionState = confirmed ? judged.next : { ...judged.next, prompts: [...recent, at] }
  if (next !== session || session.fork !== state.fork) {
    const prompted = parts.journal.event('step-up-required', {
      ...factsOf(shown),
      decision: judged.decision,
      reason: 'step_up_begun',
    })
    const all = [...events.filter(({ type }) => type !== 'step-up-required'), prompted]
    const outcome = await save(parts, { found, next, events: all, seenAt: undefined })
    if (outcome === 'lost_race') return 'lost_race'
    if (outcome === 'gone') return { ok: false, code: 'session_revoked' }
  }
  return {
    ok: true,
    challenge: sealChallenge(parts.codec, {
      session: state.id,
      family: state.family.id,
      digest: parts.codec.digest(claims.random),
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
