import { attributesDigest } from '../../codecs/attributes-digest.ts'
import { attributesIdentity, isUnreadable } from '../../codecs/codec.ts'
import { type Context, completed, contextKey, isConfirmed } from '../../core/context.ts'
import { type Decision, decision } from '../../core/decision.ts'
import { SessionError } from '../../core/errors.ts'
import { hasSecondFactor, resistsPhishing } from '../../core/factors.ts'
import { confirmedPast } from '../../core/history.ts'
import type { SessionId } from '../../core/ids.ts'
import type { Lifetime } from '../../core/lifetimes.ts'
import { LIMITS, type Presentation } from '../../core/request.ts'
import type { Attributes, SessionState } from '../../core/session.ts'
import type { Created, Login } from '../../core/sessions.ts'
import type { Found } from '../../core/store.ts'
import { causeIn } from '../../core/trace.ts'
import type { EngineContext, EventFacts } from '../context.ts'
import {
  type CheckedSubject,
  checkAttributes,
  checkBoolean,
  checkCorrelation,
  checkInstant,
  checkObject,
  checkSubject,
  checkWord,
  checkWords,
  invalid,
} from '../input.ts'
import { viewOf } from '../judging/answer.ts'
import { settle, withoutLearnt } from '../judging/contexts.ts'
import { ReducedPresentation } from '../judging/presentation.ts'
import { newFamily } from '../judging/rotation.ts'
import { weigh } from '../judging/weigh.ts'
import { learnContext, type OpenedHistory, readHistory } from '../state/history.ts'
import { logout, revoke } from './end.ts'

/**
 * Ending the oldest session frees one place, which whoever writes first takes. Many logins at once
 * may need many tries.
 */
const LIMIT_TRIES = 256

interface CheckedLogin extends CheckedSubject {
  readonly class: string
  readonly lifetime: Lifetime
  readonly acr: string | null
  readonly amr: readonly string[]
  readonly authenticatedAt: number | undefined
  readonly factors: readonly string[]
  readonly attributes: Attributes | undefined
  readonly refresh: boolean
  /** The call itself, for its events. */
  readonly cause: Login
}

interface NewSession {
  readonly state: SessionState
  readonly token: string
  readonly refreshToken: string | undefined
}

/**
 * Starts a session with a new id and a new secret. The token that the client came with is ended
 * first (ASVS 7.2.4).
 */
export async function create(engine: EngineContext, login: Login): Promise<Created> {
  checkObject('login', login)
  const checked = checkLogin(engine, login)
  const presented = new ReducedPresentation(engine, login, { at: engine.host.now() })
  if (login.previous !== undefined) await endPrevious(engine, login.previous, checked)
  const past = await readHistory(engine, checked.key, login)
  const presentation = asKnown(presented, past)

  for (let tries = 0; tries < LIMIT_TRIES; tries++) {
    const created = await write(engine, checked, presentation, past)
    if (created !== 'again') return created
  }
  throw new SessionError('store_contended', 'Other logins of this subject won every try. Retry.')
}

/** Where the request of the login leaves out hints, those that this browser sent here count. */
function asKnown(presentation: Presentation, { history }: OpenedHistory): Presentation {
  const { network, device, partial = false } = presentation
  if (!partial) return presentation
  const known = history.contexts.find(({ key }) => key === contextKey(network, device))
  if (known === undefined) return presentation
  return { ...presentation, network, device: completed(device, known.device, true) }
}

function checkLogin(engine: EngineContext, login: Login): CheckedLogin {
  const subject = checkSubject(engine, login)
  const name = checkWord('class', login.class ?? 'default')
  const lifetime = engine.lifetimeOf(subject.tenant, name)
  if (lifetime === undefined) {
    const known = engine.classesOf(subject.tenant).join(', ')
    throw invalid('class', `${JSON.stringify(name)} is unknown; configured: ${known}`)
  }
  const { acr, authenticatedAt, attributes, refresh = false } = login
  checkCorrelation(login)
  return {
    ...subject,
    class: name,
    lifetime,
    acr: acr === undefined ? null : checkWord('acr', acr),
    amr: checkWords('amr', login.amr ?? [], LIMITS.amr),
    authenticatedAt:
      authenticatedAt === undefined ? undefined : checkInstant('authenticatedAt', authenticatedAt),
    factors: checkWords('factors', login.factors ?? [], LIMITS.amr),
    attributes: attributes === undefined ? undefined : checkAttributes(attributes),
    refresh: checkBoolean('refresh', refresh),
    cause: login,
  }
}

/** One try. `again`: the id is taken, or the oldest session had to make room. */
async function write(
  engine: EngineContext,
  login: CheckedLogin,
  presentation: Presentation,
  past: OpenedHistory,
): Promise<Created | 'again'> {
  const { store, codec, records, eventWriter, limit, versions } = engine
  const id = codec.newSessionId(login.key)
  const generation = past.entry.generation
  const attributes = login.attributes && {
    version: 1,
    sealed: codec.sealJson(attributesIdentity(id, 1), login.attributes),
  }
  const minted = newSession(engine, { ...login, id, generation, attributes }, presentation)
  const { state, decided, learnt } = settleLogin(engine, minted.state, presentation, past, login)
  const entry = records.seal({ ...state, version: 1 }, state)
  const facts: EventFacts = {
    ...factsOfLogin(login, presentation),
    session: id,
    decision: decided,
  }
  const established = eventWriter.event('session-established', {
    ...facts,
    reason: login.class,
    authentication: { acr: login.acr, amr: login.amr },
  })
  const events =
    decided.outcome === 'allow'
      ? [established]
      : [established, eventWriter.event('anomaly-detected', { ...facts, reason: 'login' })]
  const outcome = await store.entries.write(entry, {
    events: eventWriter.seal(events),
    ...(limit === undefined ? {} : { limit: limit.max }),
    ...(attributes === undefined ? {} : { attributes }),
  })
  if (outcome === 'conflict') return 'again'
  if (outcome === 'gone')
    return refusedLogin(engine, login, { presentation, code: 'login_superseded' })
  if (outcome === 'limit') {
    const room = limit?.beyond === 'end_oldest' && (await endOldest(engine, login))
    return room
      ? 'again'
      : refusedLogin(engine, login, { presentation, code: 'session_limit_reached' })
  }

  versions.note(id, 1)
  eventWriter.publish(events)
  await learnContext(engine, state, learnt)
  const found = { ...entry, lastActivity: presentation.at, attributes: undefined }
  return {
    ok: true,
    session: {
      ...viewOf(engine, state, found),
      attributes: login.attributes ?? {},
      attributesVersion: attributes?.version ?? 0,
    },
    token: minted.token,
    ...(minted.refreshToken === undefined ? {} : { refreshToken: minted.refreshToken }),
    decision: decided,
    persistent: login.lifetime.persistent,
  }
}

/** A login that was right and starts no session leaves an event of its own. */
async function refusedLogin(
  { eventWriter }: EngineContext,
  login: CheckedLogin,
  { presentation, code }: { readonly presentation: Presentation; readonly code: RefusedLoginCode },
): Promise<Created> {
  const { key, acr, amr } = login
  const facts = { ...factsOfLogin(login, presentation), subject: key, actor: 'engine' }
  const authentication = { acr, amr }
  await eventWriter.append(key, [
    eventWriter.event('login-refused', { ...facts, reason: code, authentication }),
  ])
  return { ok: false, code }
}

function factsOfLogin(login: CheckedLogin, { at, network, device }: Presentation): EventFacts {
  return { at, network, device, owner: login, cause: login.cause }
}

type RefusedLoginCode = Extract<Created, { ok: false }>['code']

function newSession(
  engine: EngineContext,
  login: Omit<CheckedLogin, 'attributes'> & {
    readonly id: SessionId
    readonly generation: number
    readonly attributes: Found['attributes']
  },
  { at, network, device }: Presentation,
): NewSession {
  const context = contextKey(network, device)
  const from = { session: login.id, context, at }
  const { family, token } = newFamily(engine, { ...from, kind: 'session' })
  const refresh = login.refresh ? newFamily(engine, { ...from, kind: 'refresh' }) : undefined
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
    attributesDigest: attributesDigest(login.attributes),
    origin: { network, device },
    family: {
      ...family,
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
  return { state, token, refreshToken: refresh?.token }
}

/**
 * Judges the login itself against what the subject's past has confirmed. Having no past confirms
 * the place and the browser that it came from, and so does a second factor. Against strong evidence
 * only a factor that resists phishing does: a code may have been relayed together with the
 * password. Such a login gets in, and a sensitive route asks once more. Where the subject has no
 * second factor, this login is the best proof there is: it confirms its context for this session,
 * and the subject's past learns of it as of any other visit.
 */
function settleLogin(
  { scalesOf }: EngineContext,
  state: SessionState,
  presentation: Presentation,
  { history, unreadable }: OpenedHistory,
  { acr, amr, factors }: CheckedLogin,
): {
  readonly state: SessionState
  readonly decided: Decision
  /** What the subject's past should know. Undefined for a login that is under challenge. */
  readonly learnt: Context | undefined
} {
  const first = history.contexts.length === 0 && !unreadable
  const second = hasSecondFactor({ acr, amr })
  const best = first || second || factors.length === 0
  const weighed = weigh(scalesOf(state.tenant), state, presentation, confirmedPast(history))
  const settled = settle(state, presentation, history, { ...weighed, proved: best })
  const [context] = settled.next.contexts
  if (context === undefined) throw new SessionError('internal_error', 'A login has no context.')

  const { outcome, because } = settled.decision
  const calm = outcome === 'allow' || outcome === 'observe'
  const decided = best && !calm ? decision('observe', because) : settled.decision
  const passed: Context = best ? { ...context, evidence: 0, because: [] } : context
  const vouched = (own: Context, learnt: Context | undefined) => ({
    state: { ...settled.next, contexts: [own] },
    decided,
    learnt,
  })
  if (first || resistsPhishing({ acr, amr }) || (second && calm)) {
    const visits = Math.max(1, context.visits)
    const own = withoutLearnt({ ...passed, state: 'confirmed', visits })
    return vouched(own, own)
  }
  const allowed = outcome === 'allow'
  if (!best) return vouched(passed, allowed ? { ...context, state: 'provisional' } : undefined)
  const here: Context = { ...passed, state: 'confirmed', sessionOnly: true }
  if (factors.length > 0) return vouched({ ...passed, state: 'provisional' }, here)
  const own = isConfirmed(context) ? withoutLearnt(passed) : here
  return vouched(own, allowed ? context : undefined)
}

/**
 * Ends the session that the client came with, even where its record or the token itself does not
 * open: it must not bar the way to a login.
 */
async function endPrevious(
  engine: EngineContext,
  token: string,
  { cause }: CheckedLogin,
): Promise<void> {
  const by = { reason: 'replaced_by_login', ...causeIn(cause) }
  try {
    await logout(engine, token, by)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    const claims = engine.codec.authenticate(token)
    if (typeof claims !== 'string') await revoke(engine, claims.session, by)
  }
}

async function endOldest(engine: EngineContext, { key, cause }: CheckedLogin): Promise<boolean> {
  let after: string | undefined
  do {
    const query = { subject: key, limit: 1, ...(after === undefined ? {} : { after }) }
    const page = await engine.store.entries.list(query)
    const [oldest] = page.items
    if (oldest !== undefined) {
      await revoke(engine, oldest.id, { reason: 'session_limit', ...causeIn(cause) })
      return true
    }
    after = page.next
  } while (after !== undefined)
  return false
}
