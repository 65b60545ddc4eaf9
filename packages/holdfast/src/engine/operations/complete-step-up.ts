import { acrMet } from '../../core/acr.ts'
import { sameText } from '../../core/constant-time.ts'
import {
  type Context,
  completed,
  contextsAt,
  findContext,
  placeContext,
} from '../../core/context.ts'
import type { NamedReasonOf } from '../../core/event-of.ts'
import { PHISHING_RESISTANT_ACR, type ProvedFactors, resistsPhishing } from '../../core/factors.ts'
import { lifetimeVerdict } from '../../core/lifetimes.ts'
import { failuresOf, MAX_FAILED_STEP_UPS, withoutFailures } from '../../core/prompts.ts'
import { LIMITS } from '../../core/request.ts'
import { REPEAT_MS } from '../../core/rotation.ts'
import { callsBetween } from '../../core/sensitive-calls.ts'
import type { SessionFamily, SessionState, TokenFamily } from '../../core/session.ts'
import type { Proof, Verification } from '../../core/sessions.ts'
import type { TokenKind } from '../../core/token.ts'
import type { EngineContext, OpenedSession } from '../context.ts'
import { checkWord, checkWords, DEFAULT_TENANT } from '../input.ts'
import { type Accepted, accept } from '../judging/answer.ts'
import { isOfOneHolder, type StepUpAttempt, stepUpAttempt } from '../judging/challenge.ts'
import { expire, unknown } from '../judging/dead-tokens.ts'
import { withSession } from '../judging/open-session.ts'
import { factsOf, type Refusal } from '../judging/presentation.ts'
import { newFamily } from '../judging/rotation.ts'
import { isAccused, provedAt } from '../judging/weigh.ts'
import { learnContext, readHistory } from '../state/history.ts'
import { save } from '../state/save.ts'

/** What the subject has proved. */
interface Proved extends ProvedFactors {
  readonly acr: string | undefined
}

/** What a completed step-up delivers. */
interface Delivered {
  readonly token: string | undefined
  readonly refreshToken: string | undefined
}

/**
 * The subject proved a factor: hard rotation. New family and token, the context is confirmed, the
 * fork is over, every older secret is dead at commit. A lost response may be asked for again for a
 * minute.
 */
export async function completeStepUp(engine: EngineContext, proof: Proof): Promise<Verification> {
  const acr = proof.acr === undefined ? undefined : checkWord('acr', proof.acr)
  const amr = checkWords('amr', proof.amr ?? [], LIMITS.amr)
  const attempt = stepUpAttempt(engine, proof)
  if (attempt === undefined) {
    const reason = 'challenge_invalid'
    const at = engine.host.now()
    engine.eventWriter.tell('step-up-failed', () => ({ at, reason, cause: proof }))
    return { ok: false, code: reason }
  }

  return withSession<Verification>(engine, attempt.challenge.session, async (opened) => {
    if (opened === undefined) {
      unknown(engine, attempt)
      return { ok: false, code: 'session_unknown' }
    }
    const { found } = opened
    const state = opened.record.state()
    if (lifetimeVerdict(state, found.lastActivity, attempt.at) !== 'live') {
      await expire(engine, opened, factsOf(attempt))
      return { ok: false, code: 'session_expired' }
    }
    const repeated = repetitionOf(engine, state, attempt)
    if (repeated !== undefined) {
      await tellOnce(engine, state, attempt, ANSWERED_AGAIN)
      return told(await accept(engine, state, found, { decision: ALLOWED, ...repeated }), state)
    }
    const refusal = refusalOf(engine, state, attempt, { ...proof, acr, amr })
    if (refusal === undefined) return commit(engine, opened, attempt, { acr, amr })
    const used = state.family.id !== attempt.challenge.family
    const reason = used ? 'challenge_used' : refusal.code
    await tellOnce(engine, state, attempt, { type: 'step-up-failed', reason })
    return refusal
  })
}

interface Failed {
  readonly type: 'step-up-failed'
  readonly reason: NamedReasonOf<'step-up-failed'>
}

const ANSWERED_AGAIN = { type: 'step-up-completed', reason: 'answered_again' } as const

/** What a client may do with one challenge as often as it likes is told of once. */
async function tellOnce(
  { eventWriter, eventLimiter }: EngineContext,
  state: SessionState,
  attempt: StepUpAttempt,
  {
    type,
    reason,
  }: { readonly type: 'step-up-completed'; readonly reason: 'answered_again' } | Failed,
): Promise<void> {
  if (!eventLimiter.isNew(`${state.id} ${attempt.challenge.nonce} ${reason}`, 1)) return
  await eventWriter.append(state.id, [
    eventWriter.event(type, { ...factsOf(attempt, state), reason }),
  ])
}

const ALLOWED = { outcome: 'allow', score: 0, because: [] } as const

/**
 * The same challenge, secret and context within a minute of the commit: the response was lost. Each
 * answer has a secret of its own; those of one step-up are siblings.
 */
function repetitionOf(
  { codec }: EngineContext,
  { id: session, family, refresh, stepUp }: SessionState,
  { challenge, claims, at: mintedAt }: StepUpAttempt,
): Delivered | undefined {
  if (stepUp === null || mintedAt - stepUp.at > REPEAT_MS) return undefined
  const same =
    sameText(stepUp.nonce, challenge.nonce) &&
    sameText(stepUp.digest, claims.digest) &&
    stepUp.context === challenge.context
  if (!same) return undefined
  const parent = codec.stepUpLink(challenge.nonce, claims.link)
  const again = (kind: TokenKind, { id, current }: TokenFamily): string | undefined => {
    // An answer has arrived: the client has gone on with its secret.
    if (current.generation > 1) return undefined
    return codec.mintToken({ session, kind, family: id, generation: 1, mintedAt, parent })
  }
  return {
    token: again('session', family),
    refreshToken: refresh === null ? undefined : again('refresh', refresh),
  }
}

function refusalOf(
  { acrOrder }: EngineContext,
  state: SessionState,
  attempt: StepUpAttempt,
  proof: Pick<Proof, 'subject' | 'tenant'> & Proved,
): (Refusal & { readonly code: Failed['reason'] }) | undefined {
  const { challenge } = attempt
  const ofSubject =
    state.subject === proof.subject && state.tenant === (proof.tenant ?? DEFAULT_TENANT)
  if (!ofSubject || !isOfOneHolder(state, attempt)) return { ok: false, code: 'challenge_invalid' }
  if (failuresOf(state.failures, challenge.context) >= MAX_FAILED_STEP_UPS) {
    return { ok: false, code: 'context_refused' }
  }
  if (challenge.acr !== null && !isReached(challenge.acr, proof, acrOrder)) {
    return { ok: false, code: 'step_up_required', requirements: { acr: challenge.acr } }
  }
  return undefined
}

/** What resists phishing does so whatever the application calls its authentication context. */
function isReached(acr: string, proved: Proved, order: readonly string[]): boolean {
  if (acr === PHISHING_RESISTANT_ACR && resistsPhishing(proved)) return true
  return acrMet(proved.acr ?? null, acr, order)
}

async function commit(
  engine: EngineContext,
  opened: OpenedSession,
  attempt: StepUpAttempt,
  proved: Proved,
): Promise<Verification | 'lost_race'> {
  const { found } = opened
  const state = opened.record.state()
  const { context } = attempt.challenge
  // Attributes that were tampered with are refused while the challenge can still be used.
  engine.attributes.check(state, found)
  const trust = await trustOf(engine, state, attempt, proved)
  const { next, delivered } = steppedUp(engine, state, attempt, { ...proved, trust })
  const { acr, amr } = next.family
  const facts = {
    ...factsOf(attempt, state),
    reason: proved.amr.join('+') || 'factor_proved',
    authentication: { acr, amr },
  }
  const events = [engine.eventWriter.event('step-up-completed', facts)]
  const outcome = await save(engine, { found, next, events, seenAt: attempt.at })
  if (outcome === 'lost_race') return 'lost_race'
  if (outcome === 'gone') return { ok: false, code: 'session_revoked' }
  const passed = findContext(next.contexts, context)
  const newAs = findContext(state.contexts, context)?.newAs
  if (passed !== undefined) {
    const learnt = trust === 'subject' && newAs !== undefined ? { ...passed, newAs } : passed
    const here = trust === 'nothing' ? ({ ...passed, sessionOnly: true } as const) : learnt
    await learnContext(engine, state, here)
  }
  return told(await accept(engine, next, found, { decision: ALLOWED, ...delivered }), next)
}

/**
 * After a fork, who passes is told what was done while two may have held the session: nobody can
 * tell whose calls they were but the owner.
 */
function told(accepted: Accepted, state: SessionState): Accepted {
  const { stepUp } = state
  if (stepUp?.forkSince === undefined) return accepted
  const { forkSince: since, at: until, context } = stepUp
  return { ...accepted, meanwhile: callsBetween(state, { since, until, context }) }
}

/** Whose place the proof confirms: the `subject`'s, this `session`'s alone, or nobody's. */
type Trust = 'subject' | 'session' | 'nothing'

/**
 * Against strong evidence a factor that can be relayed ends the challenge, and the subject's past
 * does not take the place for confirmed. Who has a better factor is asked for that one before a
 * sensitive route there.
 */
async function trustOf(
  engine: EngineContext,
  state: SessionState,
  { presented, presentation, at }: StepUpAttempt,
  proved: Proved,
): Promise<Trust> {
  if (resistsPhishing(proved)) return 'subject'
  const { history } = await readHistory(
    engine,
    engine.codec.subjectKey(state.tenant, state.subject),
    presented,
  )
  const contexts = contextsAt(state.contexts, state.last, at)
  const scales = engine.scalesOf(state.tenant)
  if (!isAccused(scales, { ...state, contexts }, presentation, history)) return 'subject'
  return resistsPhishing({ amr: state.factors }) ? 'nothing' : 'session'
}

function steppedUp(
  engine: EngineContext,
  state: SessionState,
  attempt: StepUpAttempt,
  proved: Proved & { readonly trust: Trust },
): { readonly next: SessionState; readonly delivered: Delivered } {
  const { challenge, presentation, claims, at } = attempt
  const { context, nonce } = challenge
  const { network } = presentation
  const from = { session: state.id, context, at }
  const repeated = {
    parent: engine.codec.stepUpLink(nonce, claims.link),
    until: at + REPEAT_MS,
  }
  const { family, token } = newFamily(engine, { ...from, kind: 'session' }, repeated)
  const refresh =
    state.refresh === null ? undefined : newFamily(engine, { ...from, kind: 'refresh' }, repeated)
  const proven: SessionFamily = {
    ...family,
    acr: acrAfter(engine, state, context, proved.acr),
    amr: amrAfter(state, context, proved.amr),
    authenticatedAt: at,
    provedIn: context,
  }
  const passed = passedContext(findContext(state.contexts, context), attempt, proved.trust)
  const next: SessionState = {
    ...state,
    family: proven,
    refresh: refresh?.family ?? null,
    contexts: placeContext(state.contexts, passed) ?? [passed],
    last: { context, network, device: passed.device, at },
    fork: null,
    prompts: [],
    failures: withoutFailures(state.failures, context),
    switchBacks: [],
    stepUp: {
      nonce,
      at,
      digest: claims.digest,
      context,
      ...(state.fork === null ? {} : { forkSince: state.family.authenticatedAt }),
    },
  }
  return { next, delivered: { token, refreshToken: refresh?.token } }
}

function passedContext(
  before: Context | undefined,
  { challenge, presentation, at }: StepUpAttempt,
  trust: Trust,
): Context {
  return {
    key: challenge.context,
    state: trust === 'nothing' ? 'provisional' : 'confirmed',
    network: presentation.network,
    device: deviceOf(presentation, before),
    firstSeen: before?.firstSeen ?? at,
    lastSeen: at,
    visits: Math.max(1, before?.visits ?? 0),
    evidence: 0,
    evidenceAt: at,
    because: [],
    // What the place was new as is learnt once, when the subject confirms it.
    ...(trust === 'subject' || before?.newAs === undefined ? {} : { newAs: before.newAs }),
    ...(trust === 'session' ? { sessionOnly: true } : {}),
  }
}

/** Where the request of the proof leaves out hints, those of requests before it count. */
function deviceOf(
  { device, partial = false }: StepUpAttempt['presentation'],
  before: Context | undefined,
): Context['device'] {
  return partial && before !== undefined ? completed(device, before.device, true) : device
}

/** What was proved now, and what the session had where it counted before: see {@link acrAfter}. */
function amrAfter(
  state: SessionState,
  context: string,
  proved: readonly string[],
): readonly string[] {
  const had = provedAt(state, context) ? state.family.amr : []
  return [...new Set([...had, ...proved])].slice(-LIMITS.amr)
}

/**
 * The stronger of what the session had and what was proved now. What it had counts only where it
 * counted before: a weaker factor proved elsewhere must not carry a stronger one there.
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
