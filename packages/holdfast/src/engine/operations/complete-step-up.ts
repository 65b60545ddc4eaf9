import { acrMet } from '../../core/acr.ts'
import { sameText } from '../../core/constant-time.ts'
import { contextKey, findContext, placeContext } from '../../core/context.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import { failuresOf, MAX_FAILED_STEP_UPS, withoutFailures } from '../../core/prompts.ts'
import { LIMITS } from '../../core/request.ts'
import { REPEAT_MS } from '../../core/rotation.ts'
import type { SessionFamily, SessionState } from '../../core/session.ts'
import type { Presented, Proof, Verification } from '../../core/sessions.ts'
import type { EngineContext } from '../context.ts'
import { checkWord, checkWords, DEFAULT_TENANT } from '../input.ts'
import { accept } from '../judging/answer.ts'
import { type ChallengeFacts, openChallenge } from '../judging/challenge.ts'
import { factsOf } from '../judging/decide.ts'
import {
  type AuthenticatedPresentation,
  authenticate,
  presentationOf,
  statusOfPresented,
} from '../judging/presentation.ts'
import { newFamily } from '../judging/rotation.ts'
import { provedAt } from '../judging/weigh.ts'
import { changeHistory, withContext } from '../state/history.ts'
import { load } from '../state/load.ts'
import { contended, save, TRIES } from '../state/save.ts'

/**
 * The subject proved a factor: hard rotation. New family and token, the context is confirmed, the fork is over,
 * every older secret is dead at commit. A lost response may be asked for again for a minute.
 */
export async function completeStepUp(engine: EngineContext, proof: Proof): Promise<Verification> {
  const acr = proof.acr === undefined ? undefined : checkWord('acr', proof.acr)
  const amr = checkWords('amr', proof.amr ?? [], LIMITS.amr)
  const attempt = openAttempt(engine, proof)
  if (attempt === undefined) return { ok: false, code: 'challenge_invalid' }

  for (let tries = 0; tries < TRIES; tries++) {
    const opened = await load(engine, attempt.challenge.session)
    if (opened === undefined) return { ok: false, code: 'session_unknown' }
    const { state, found } = opened
    if (lifetimeVerdict(state, found.lastActivity, attempt.at) !== 'live') {
      return { ok: false, code: 'session_expired' }
    }
    const repeated = repetitionOf(state, attempt)
    if (repeated !== undefined) {
      return accept(engine, state, found, { decision: ALLOWED, ...repeated })
    }
    if (!isOpen(state, proof) || !isOfOneHolder(state, attempt))
      return { ok: false, code: 'challenge_invalid' }
    const { challenge } = attempt
    if (failuresOf(state.failures, challenge.context) >= MAX_FAILED_STEP_UPS)
      return { ok: false, code: 'context_refused' }
    if (challenge.acr !== null && !acrMet(acr ?? null, challenge.acr, engine.acrOrder)) {
      return { ok: false, code: 'step_up_required', requirements: { acr: challenge.acr } }
    }

    const { next, sent } = steppedUp(engine, state, attempt, { acr, amr })
    const facts = { ...factsOf(attempt), reason: amr.join('+') || 'factor_proved' }
    const events = [engine.eventWriter.event('step-up-completed', facts)]
    const outcome = await save(engine, { found, next, events, seenAt: attempt.at })
    if (outcome === 'lost_race') continue
    if (outcome === 'gone') return { ok: false, code: 'session_revoked' }
    const confirmed = findContext(next.contexts, challenge.context)
    if (confirmed !== undefined) {
      const subject = engine.codec.subjectKey(state.tenant, state.subject)
      const newAs = findContext(state.contexts, challenge.context)?.newAs
      const historyUpdate = newAs === undefined ? confirmed : { ...confirmed, newAs }
      await changeHistory(engine, subject, (past) => withContext(past, historyUpdate))
    }
    return accept(engine, next, found, { decision: ALLOWED, ...sent })
  }
  throw contended()
}

const ALLOWED = { outcome: 'allow', score: 0, because: [] } as const

/** A presentation together with the challenge that it answers. */
export interface StepUpAttempt extends AuthenticatedPresentation {
  readonly at: number
  readonly challenge: ChallengeFacts
  readonly digest: string
}

/** Undefined when challenge, line of secrets and context do not belong together or the time is up. */
export function openAttempt(
  engine: EngineContext,
  answer: Pick<Proof, 'challenge' | 'token' | 'request' | 'correlation'>,
): StepUpAttempt | undefined {
  const at = engine.host.now()
  const { token, request, correlation } = answer
  const presented: Presented = { token, request, correlation }
  const challenge = openChallenge(engine.codec, checkWord('challenge', answer.challenge, 4096))
  const claims = authenticate(engine, presented, { at, kind: 'session' })
  const presentation = presentationOf(engine, presented, at)
  if (challenge === undefined || typeof claims === 'string' || at >= challenge.expiresAt)
    return undefined
  const { digest } = claims
  const belongs =
    claims.session === challenge.session &&
    claims.family === challenge.family &&
    contextKey(presentation.network, presentation.device) === challenge.context
  return belongs ? { presented, presentation, claims, at, challenge, digest } : undefined
}

function isOpen(state: SessionState, proof: Proof): boolean {
  return state.subject === proof.subject && state.tenant === (proof.tenant ?? DEFAULT_TENANT)
}

/**
 * Whether who answers is who was asked: the family goes on, and the secret is the one that was shown then or, as
 * long as nobody has forked the line, its newest. Another tab of the same jar may have rotated it meanwhile.
 */
export function isOfOneHolder(state: SessionState, attempt: StepUpAttempt): boolean {
  const { challenge, digest } = attempt
  if (state.family.id !== challenge.family) return false
  if (sameText(digest, challenge.digest)) return true
  const line = state.fork === null ? statusOfPresented(state, attempt) : 'dead'
  return line !== 'dead' && line.status === 'current'
}

/** The same challenge, secret and context within a minute of the commit: the response was lost. */
function repetitionOf(
  { stepUp }: SessionState,
  { challenge, digest, at }: StepUpAttempt,
): Sent | undefined {
  if (stepUp === null || at - stepUp.at > REPEAT_MS) return undefined
  const same =
    sameText(stepUp.nonce, challenge.nonce) &&
    sameText(stepUp.digest, digest) &&
    stepUp.context === challenge.context
  if (!same) return undefined
  const { token, refreshToken } = stepUp
  return { token, refreshToken }
}

/** What a completed step-up delivers. */
interface Sent {
  readonly token: string
  readonly refreshToken: string | undefined
}

function steppedUp(
  engine: EngineContext,
  state: SessionState,
  { challenge, presentation, digest, at }: StepUpAttempt,
  proved: { readonly acr: string | undefined; readonly amr: readonly string[] },
): { readonly next: SessionState; readonly sent: Sent } {
  const { network, device } = presentation
  const { context } = challenge
  const born = { session: state.id, context, at }
  const minted = newFamily(engine, { ...born, kind: 'session', family: state.family.id + 1 })
  const renewed =
    state.refresh === null
      ? undefined
      : newFamily(engine, { ...born, kind: 'refresh', family: state.refresh.id + 1 })
  const family: SessionFamily = {
    ...minted.family,
    acr: acrAfter(engine, state, context, proved.acr),
    amr: [...new Set([...state.family.amr, ...proved.amr])].slice(0, LIMITS.amr),
    authenticatedAt: at,
    provedIn: context,
  }
  const before = findContext(state.contexts, context)
  const confirmed = {
    key: context,
    state: 'confirmed',
    network,
    device,
    firstSeen: before?.firstSeen ?? at,
    lastSeen: at,
    visits: Math.max(1, before?.visits ?? 0),
    evidence: 0,
    evidenceAt: at,
    because: [],
  } as const
  const next: SessionState = {
    ...state,
    family,
    refresh: renewed?.family ?? null,
    contexts: placeContext(state.contexts, confirmed) ?? [confirmed],
    last: { context, network, device, at },
    fork: null,
    prompts: [],
    failures: withoutFailures(state.failures, context),
    switchBacks: [],
    stepUp: {
      nonce: challenge.nonce,
      at,
      digest,
      context,
      token: minted.token,
      ...(renewed === undefined ? {} : { refreshToken: renewed.token }),
    },
  }
  return { next, sent: { token: minted.token, refreshToken: renewed?.token } }
}

/**
 * The stronger of what the session had and what was proved now. What it had counts only where it counted before:
 * a weaker factor proved elsewhere must not carry a stronger one there.
 */
function acrAfter(
  { acrOrder }: EngineContext,
  state: SessionState,
  context: string,
  proved: string | undefined,
): string | null {
  const had = provedAt(state, context) ? state.family.acr : null
  if (proved === undefined) return had
  return had !== null && acrMet(had, proved, acrOrder) ? had : proved
}
