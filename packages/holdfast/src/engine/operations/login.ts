import { attributesPlace, isUnreadable } from '../../codecs/codec.ts'
import { type Context, contextKey } from '../../core/context.ts'
import { type Decision, decision } from '../../core/decision.ts'
import { SessionError } from '../../core/errors.ts'
import { NO_HISTORY } from '../../core/history.ts'
import type { SessionId } from '../../core/ids.ts'
import type { Lifetime } from '../../core/lifetimes.ts'
import { LIMITS, type Presentation } from '../../core/request.ts'
import type { Attributes, SessionState } from '../../core/session.ts'
import type { Created, Login, Traced } from '../../core/sessions.ts'
import type { Parts } from '../context.ts'
import {
  type CheckedSubject,
  checkAttributes,
  checkBoolean,
  checkOrdered,
  checkSubject,
  checkWord,
  checkWords,
  invalid,
} from '../input.ts'
import { viewOf } from '../judging/answer.ts'
import { judge, settledIn } from '../judging/contexts.ts'
import { presentationOf } from '../judging/presentation.ts'
import { newLine } from '../judging/rotation.ts'
import { weigh } from '../judging/weigh.ts'
import { learn, type Remembered, recall, withContext } from '../state/history.ts'
import { logout, revoke } from './end.ts'

/** Ending the oldest frees one place for whoever writes first; many logins at once may need many turns. */
const LIMIT_TRIES = 256

/** Authentication methods (RFC 8176) that are a second factor by themselves. */
const SECOND_FACTORS = ['otp', 'hwk', 'swk', 'mfa', 'sms', 'pop', 'fpt', 'face', 'iris', 'sc']

/** Starts a session: new id, new secret; the token that the client came with is ended first (ASVS 7.2.4). */
export async function create(parts: Parts, login: Login): Promise<Created> {
  const checked = checkLogin(parts, login)
  const presentation = presentationOf(parts, login, parts.host.now())
  const { at } = presentation
  const { correlation } = checkOrdered(login)
  if (login.previous !== undefined) await endPrevious(parts, login.previous, { correlation })
  const past = await recall(parts, checked.key)

  for (let tries = 0; tries < LIMIT_TRIES; tries++) {
    const id = parts.codec.newSessionId(checked.key)
    const born = bear(parts, { ...checked, id, generation: past.entry.generation }, presentation)
    const { state, decided, lesson } = settle(parts, born.state, presentation, past, checked)
    const entry = parts.records.seal({ ...state, version: 1 }, state)
    const event = parts.journal.event('session-established', {
      at,
      session: id,
      network: presentation.network,
      device: presentation.device,
      decision: decided,
      reason: checked.class,
      correlation,
    })
    const outcome = await parts.store.entries.write(entry, {
      events: parts.journal.seal([event]),
      ...(parts.limit === undefined ? {} : { limit: parts.limit.max }),
    })
    if (outcome === 'conflict') continue
    if (outcome === 'gone') return { ok: false, code: 'login_superseded' }
    if (outcome === 'limit') {
      if (
        parts.limit?.beyond === 'end_oldest' &&
        (await endOldest(parts, checked, { correlation }))
      )
        continue
      return { ok: false, code: 'session_limit_reached' }
    }

    parts.versions.note(id, 1)
    parts.journal.tell([event])
    const attributes = await attach(parts, state, checked.attributes)
    if (lesson !== undefined) await learn(parts, checked.key, (known) => withContext(known, lesson))
    const view = viewOf(parts, state, {
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

function checkLogin(parts: Parts, login: Login): CheckedLogin {
  const subject = checkSubject(parts, login)
  const name = checkWord('class', login.class ?? 'default')
  const lifetime = parts.lifetimeOf(subject.tenant, name)
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

function bear(
  parts: Parts,
  login: CheckedLogin & { readonly id: SessionId; readonly generation: number },
  { at, network, device }: Presentation,
): Born {
  const context = contextKey(network, device)
  const born = { session: login.id, family: 1, context, at }
  const minted = newLine(parts, { ...born, kind: 'session' })
  const refresh = login.refresh ? newLine(parts, { ...born, kind: 'refresh' }) : undefined
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
      ...minted.line,
      acr: login.acr,
      amr: login.amr,
      authenticatedAt: Math.min(login.authenticatedAt ?? at, at),
      provedIn: context,
    },
    refresh: refresh?.line ?? null,
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

interface Born {
  readonly state: SessionState
  readonly token: string
  readonly refreshToken: string | undefined
}

/**
 * Judges the login itself against the subject's past. A second factor, or having no past at all, confirms the
 * place and the browser it came from. Where the subject has no second factor, this login is the best proof there
 * is: it confirms its context for this session, and the subject's past learns of it as of any other visit.
 */
function settle(
  parts: Parts,
  state: SessionState,
  presentation: Presentation,
  { history, unreadable }: Remembered,
  { amr, factors }: CheckedLogin,
): {
  readonly state: SessionState
  readonly decided: Decision
  /** What the subject's past should know; undefined for a login that is under challenge. */
  readonly lesson: Context | undefined
} {
  const first = history.contexts.length === 0 && !unreadable
  const proved = first || amr.some((method) => SECOND_FACTORS.includes(method))
  const past = proved ? NO_HISTORY : history
  const judged = judge(
    state,
    presentation,
    past,
    weigh(parts.scalesOf(state.tenant), state, presentation, past),
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
    lesson: proved || outcome === 'allow' ? learnt : undefined,
  }
}

/** What the client came with ends, even where its record or the token itself does not open any more: it must not bar the way to a login. */
async function endPrevious(parts: Parts, token: string, by: Traced): Promise<void> {
  const end = { ...by, why: 'replaced_by_login' }
  try {
    await logout(parts, token, end)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    const claims = parts.codec.authenticate(token)
    if (typeof claims !== 'string') await revoke(parts, claims.session, end)
  }
}

async function endOldest(parts: Parts, { key }: CheckedSubject, by: Traced): Promise<boolean> {
  let after: string | undefined
  do {
    const page = await parts.store.entries.list({
      subject: key,
      limit: 1,
      ...(after === undefined ? {} : { after }),
    })
    const [oldest] = page.items
    if (oldest !== undefined) {
      await revoke(parts, oldest.id, { ...by, why: 'session_limit' })
      return true
    }
    after = page.next
  } while (after !== undefined)
  return false
}

async function attach(
  parts: Parts,
  { id }: SessionState,
  attributes: Attributes | undefined,
): Promise<{ readonly attributes: Attributes; readonly attributesVersion: number }> {
  if (attributes === undefined) return { attributes: {}, attributesVersion: 0 }
  const sealed = parts.codec.sealJson(attributesPlace(id, 1), attributes)
  await parts.store.entries.attach(id, { version: 1, sealed })
  return { attributes, attributesVersion: 1 }
}
