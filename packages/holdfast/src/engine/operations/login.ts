import { attributesIdentity, isUnreadable } from '../../codecs/codec.ts'
import { type Context, contextKey } from '../../core/context.ts'
import { type Decision, decision } from '../../core/decision.ts'
import { SessionError } from '../../core/errors.ts'
import { NO_HISTORY } from '../../core/history.ts'
import type { SessionId } from '../../core/ids.ts'
import type { Lifetime } from '../../core/lifetimes.ts'
import { LIMITS, type Presentation } from '../../core/request.ts'
import type { Attributes, SessionState } from '../../core/session.ts'
import type { Created, Login, Traced } from '../../core/sessions.ts'
import type { EngineContext } from '../context.ts'
import {
  type CheckedSubject,
  checkAttributes,
  checkBoolean,
  checkCorrelation,
  checkSubject,
  checkWord,
  checkWords,
  invalid,
} from '../input.ts'
import { viewOf } from '../judging/answer.ts'
import { settle, settledIn } from '../judging/contexts.ts'
import { presentationOf } from '../judging/presentation.ts'
import { newFamily } from '../judging/rotation.ts'
import { weigh } from '../judging/weigh.ts'
import { changeHistory, type OpenedHistory, readHistory, withContext } from '../state/history.ts'
import { logout, revoke } from './end.ts'

/** Ending the oldest frees one place for whoever writes first; many logins at once may need many turns. */
const LIMIT_TRIES = 256

/** Authentication methods (RFC 8176) that are a second factor by themselves. */
const SECOND_FACTORS = ['otp', 'hwk', 'swk', 'mfa', 'sms', 'pop', 'fpt', 'face', 'iris', 'sc']

/** Starts a session: new id, new secret; the token that the client came with is ended first (ASVS 7.2.4). */
export async function create(engine: EngineContext, login: Login): Promise<Created> {
  const checked = checkLogin(engine, login)
  const presentation = presentationOf(engine, login, engine.host.now())
  const { at } = presentation
  const correlation = checkCorrelation(login.correlation)
  if (login.previous !== undefined) await endPrevious(engine, login.previous, { correlation })
  const past = await readHistory(engine, checked.key)

  for (let tries = 0; tries < LIMIT_TRIES; tries++) {
    const id = engine.codec.newSessionId(checked.key)
    const born = newSession(
      engine,
      { ...checked, id, generation: past.entry.generation },
      presentation,
    )
    const { state, decided, historyUpdate } = settleLogin(
      engine,
      born.state,
      presentation,
      past,
      checked,
    )
    const entry = engine.records.seal({ ...state, version: 1 }, state)
    const event = engine.eventWriter.event('session-established', {
      at,
      session: id,
      network: presentation.network,
      device: presentation.device,
      decision: decided,
      reason: checked.class,
      correlation,
    })
    const outcome = await engine.store.entries.write(entry, {
      events: engine.eventWriter.seal([event]),
      ...(engine.limit === undefined ? {} : { limit: engine.limit.max }),
    })
    if (outcome === 'conflict') continue
    if (outcome === 'gone') return { ok: false, code: 'login_superseded' }
    if (outcome === 'limit') {
      if (
        engine.limit?.beyond === 'end_oldest' &&
        (await endOldest(engine, checked, { correlation }))
      )
        continue
      return { ok: false, code: 'session_limit_reached' }
    }

    engine.versions.note(id, 1)
    engine.eventWriter.publish([event])
    const attributes = await attach(engine, state, checked.attributes)
    if (historyUpdate !== undefined)
      await changeHistory(engine, checked.key, (known) => withContext(known, historyUpdate))
    const view = viewOf(engine, state, {
      ...entry,
      lastActivity: at,
      attributes: undefined,
    })
    return {
      ok: true,
      session: { ...view, ...attributes },
      token: born.token,
      ...(born.refreshToken === undefined ? {} : { refreshToken: born.refreshToken }),
      decision: decided,
      persistent: checked.lifetime.persistent,
    }
  }
  throw new SessionError('store_contended', 'Other logins of this subject won every try. Retry.')
}

interface CheckedLogin extends CheckedSubject {
  readonly class: string
  readonly lifetime: Lifetime
  readonly acr: string | null
  readonly amr: readonly string[]
  readonly authenticatedAt: number | undefined
  readonly factors: readonly string[]
  readonly attributes: Attributes | undefined
  readonly refresh: boolean
}

function checkLogin(engine: EngineContext, login: Login): CheckedLogin {
  const subject = checkSubject(engine, login)
  const name = checkWord('class', login.class ?? 'default')
  const lifetime = engine.lifetimeOf(subject.tenant, name)
  if (lifetime === undefined) throw invalid('class', 'names no configured lifetimes')
  return {
    ...subject,
    class: name,
    lifetime,
    acr: login.acr === undefined ? null : checkWord('acr', login.acr),
    amr: checkWords('amr', login.amr ?? [], LIMITS.amr),
    authenticatedAt:
      login.authenticatedAt === undefined ? undefined : checkInstant(login.authenticatedAt),
    factors: checkWords('factors', login.factors ?? [], LIMITS.amr),
    attributes: login.attributes === undefined ? undefined : checkAttributes(login.attributes),
    refresh: login.refresh === undefined ? false : checkBoolean('refresh', login.refresh),
  }
}

function checkInstant(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw invalid('authenticatedAt', 'must be an instant in ms since the epoch')
}

function newSession(
  engine: EngineContext,
  login: CheckedLogin & { readonly id: SessionId; readonly generation: number },
  { at, network, device }: Presentation,
): NewSession {
  const context = contextKey(network, device)
  const born = { session: login.id, family: 1, context, at }
  const minted = newFamily(engine, { ...born, kind: 'session' })
  const refresh = login.refresh ? newFamily(engine, { ...born, kind: 'refresh' }) : undefined
  const state: SessionState = {
    id: login.id,
    subject: login.subject,
    tenant: login.tenant,
    class: login.class,
    generation: login.generation,
    createdAt: at,
    deadline: at + login.lifetime.absoluteMs,
    idleMs: login.lifetime.idleMs,
    factors: login.factors,
    origin: { network, device },
    family: {
      ...minted.family,
      acr: login.acr,
      amr: login.amr,
      authenticatedAt: Math.min(login.authenticatedAt ?? at, at),
      provedIn: context,
    },
    refresh: refresh?.family ?? null,
    contexts: [],
    last: { context, network, device, at },
    fork: null,
    prompts: [],
    failures: [],
    switchBacks: [],
    stepUp: null,
  }
  return { state, token: minted.token, refreshToken: refresh?.token }
}

interface NewSession {
  readonly state: SessionState
  readonly token: string
  readonly refreshToken: string | undefined
}

/**
 * Judges the login itself against the subject's past. A second factor, or having no past at all, confirms the
 * place and the browser it came from. Where the subject has no second factor, this login is the best proof there
 * is: it confirms its context for this session, and the subject's past learns of it as of any other visit.
 */
function settleLogin(
  engine: EngineContext,
  state: SessionState,
  presentation: Presentation,
  { history, unreadable }: OpenedHistory,
  { amr, factors }: CheckedLogin,
): {
  readonly state: SessionState
  readonly decided: Decision
  /** What the subject's past should know; undefined for a login that is under challenge. */
  readonly historyUpdate: Context | undefined
} {
  const first = history.contexts.length === 0 && !unreadable
  const proved = first || amr.some((method) => SECOND_FACTORS.includes(method))
  const past = proved ? NO_HISTORY : history
  const judged = settle(
    state,
    presentation,
    past,
    weigh(engine.scalesOf(state.tenant), state, presentation, past),
  )
  const [context] = judged.next.contexts
  if (context === undefined) throw new SessionError('internal_error', 'A login has no context.')

  const best = proved || factors.length === 0
  const settled: Context = best
    ? { ...settledIn({ ...context, state: 'confirmed' }), evidence: 0 }
    : context
  const { outcome, because } = judged.decision
  const calm = outcome === 'allow' || outcome === 'observe'
  const learnt: Context = proved ? settled : { ...context, state: 'provisional' }
  return {
    state: { ...judged.next, contexts: [settled] },
    decided: best && !calm ? decision('observe', because) : judged.decision,
    historyUpdate: proved || outcome === 'allow' ? learnt : undefined,
  }
}

/** What the client came with ends, even where its record or the token itself does not open any more: it must not bar the way to a login. */
async function endPrevious(engine: EngineContext, token: string, by: Traced): Promise<void> {
  const end = { ...by, reason: 'replaced_by_login' }
  try {
    await logout(engine, token, end)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    const claims = engine.codec.authenticate(token)
    if (typeof claims !== 'string') await revoke(engine, claims.session, end)
  }
}

async function endOldest(
  engine: EngineContext,
  { key }: CheckedSubject,
  by: Traced,
): Promise<boolean> {
  let after: string | undefined
  do {
    const page = await engine.store.entries.list({
      subject: key,
      limit: 1,
      ...(after === undefined ? {} : { after }),
    })
    const [oldest] = page.items
    if (oldest !== undefined) {
      await revoke(engine, oldest.id, { ...by, reason: 'session_limit' })
      return true
    }
    after = page.next
  } while (after !== undefined)
  return false
}

async function attach(
  engine: EngineContext,
  { id }: SessionState,
  attributes: Attributes | undefined,
): Promise<{ readonly attributes: Attributes; readonly attributesVersion: number }> {
  if (attributes === undefined) return { attributes: {}, attributesVersion: 0 }
  const sealed = engine.codec.sealJson(attributesIdentity(id, 1), attributes)
  await engine.store.entries.attach(id, { version: 1, sealed })
  return { attributes, attributesVersion: 1 }
}
