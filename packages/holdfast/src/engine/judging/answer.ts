import type { AccessGrant } from '../../core/access-token.ts'
import { type Context, contextKey, decayed } from '../../core/context.ts'
import type { Decision } from '../../core/decision.ts'
import { derivedProperties } from '../../core/derived-properties.ts'
import type { RefusalCode } from '../../core/errors.ts'
import { failuresOf } from '../../core/prompts.ts'
import type { Presentation } from '../../core/request.ts'
import type { SessionDetail, SessionState, SessionView } from '../../core/session.ts'
import type { Presented, Requirements, Verification } from '../../core/sessions.ts'
import type { Found } from '../../core/store.ts'
import type { EngineContext, OpenedSession } from '../context.ts'
import type { AuthenticatedPresentation, Refusal } from './presentation.ts'
import { provedAt } from './weigh.ts'

/** An answer that lets pass. */
export type Accepted = Verification & { readonly ok: true }

/** An access token that an answer brings along. */
export interface AccessRequest {
  /** Undefined takes the first audience of the issuer. */
  readonly audience: string | undefined
  readonly presentation: Presentation
}

interface Delivery {
  readonly decision: Decision
  readonly token?: string | undefined
  readonly refreshToken?: string | undefined
}

/** The code under which an outcome refuses this request. Undefined: it passes. */
export function refusalCode(
  { outcome }: Decision,
  { method, sensitivity }: Presentation,
): RefusalCode | undefined {
  switch (outcome) {
    case 'allow':
    case 'observe':
      return undefined
    case 'limit': {
      const reading = method === 'GET' || method === 'HEAD'
      return reading && sensitivity === 'normal' ? undefined : 'session_limited'
    }
    case 'challenge':
      return 'step_up_required'
    case 'deny':
      return 'context_refused'
    case 'revoke':
      return 'session_revoked'
  }
}

/** Refuses with what a step-up would have to bring (RFC 9470). */
export function refuse(
  code: RefusalCode,
  decision: Decision,
  {
    acr,
    maxAgeMs,
    sensitivity,
  }: Pick<Presented, 'maxAgeMs' | 'sensitivity'> & { readonly acr: string | undefined },
): Refusal {
  const requirements: Requirements = {
    ...(acr === undefined ? {} : { acr }),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(sensitivity === 'sensitive' ? { sensitivity } : {}),
  }
  const required = code === 'step_up_required' && Object.keys(requirements).length > 0
  return { ok: false, code, decision, ...(required ? { requirements } : {}) }
}

/** The access token that a presentation asks for. A refresh token always asks for one. */
export function accessFor({
  presented,
  presentation,
  claims,
}: AuthenticatedPresentation): AccessRequest | undefined {
  const { audience } = presented
  const asked = audience !== undefined || claims.kind === 'refresh'
  return asked ? { audience, presentation } : undefined
}

/** The answer to a presentation that passes, without an access token, which takes time to sign. */
export function acceptNow(
  engine: EngineContext,
  state: SessionFacts,
  found: Found,
  { decision, token, refreshToken }: Delivery,
): Accepted {
  return {
    ok: true,
    decision,
    session: viewOf(engine, state, found),
    persistent: engine.lifetimeOf(state.tenant, state.class)?.persistent ?? false,
    ...(token === undefined ? {} : { token }),
    ...(refreshToken === undefined ? {} : { refreshToken }),
  }
}

/** The answer to a presentation that passes, with the access token that it asks for. */
export function accept(
  engine: EngineContext,
  state: SessionState,
  found: Found,
  answer: Delivery & { readonly access?: AccessRequest | undefined },
): Accepted | Promise<Accepted> {
  const { decision, access } = answer
  const accepted = acceptNow(engine, state, found, answer)
  const trusted = decision.outcome === 'allow' || decision.outcome === 'observe'
  if (access === undefined || !trusted || engine.tokens === undefined) return accepted
  return engine.tokens
    .issue(grantOf(state, found, access))
    .then(({ token: accessToken, expiresIn }) => ({ ...accepted, accessToken, expiresIn }))
}

/**
 * {@link accept}, of a record of which nothing has changed but the family of the secret. The whole
 * of it is decoded for an access token alone.
 */
export function acceptOpened(
  engine: EngineContext,
  { found, head, record }: OpenedSession,
  authenticated: AuthenticatedPresentation,
  answer: Delivery,
): Accepted | Promise<Accepted> {
  const access = accessFor(authenticated)
  if (access === undefined || engine.tokens === undefined) {
    return acceptNow(engine, head, found, answer)
  }
  return accept(engine, record.state(), found, { ...answer, access })
}

/** Of a record that was opened, or of the state that was written last. */
type SessionFacts = Pick<
  SessionState,
  'id' | 'subject' | 'tenant' | 'class' | 'family' | 'createdAt' | 'deadline' | 'idleMs'
>

/** What an application sees of a session. `state` may be newer than what was read. */
export function viewOf(
  engine: Pick<EngineContext, 'codec' | 'attributes'>,
  state: SessionFacts,
  found: Found,
): SessionView {
  return withSecrets(factsOf(state, found), { engine, found })
}

/** Every field is named: copying the object would cost as much as all the rest of the answer. */
function factsOf(state: SessionFacts, found: Found): Omit<SessionView, 'attributes' | 'formToken'> {
  return {
    id: state.id,
    subject: state.subject,
    tenant: state.tenant,
    class: state.class,
    acr: state.family.acr,
    amr: [...state.family.amr],
    authenticatedAt: state.family.authenticatedAt,
    createdAt: state.createdAt,
    expiresAt: state.deadline,
    idleMs: state.idleMs,
    attributesVersion: found.attributes?.version ?? 0,
  }
}

/** What most handlers do not read is opened and made for those that do. */
const withSecrets = derivedProperties<
  { readonly engine: Pick<EngineContext, 'codec' | 'attributes'>; readonly found: Found },
  Pick<SessionView, 'attributes' | 'formToken'>
>({
  attributes: ({ engine, found }) => engine.attributes.open(found),
  formToken: ({ engine, found }) => engine.codec.formToken(found.id),
})

/** A session as operators and its owner's account page see it. */
export function detailOf(
  engine: Pick<EngineContext, 'attributes'>,
  state: SessionState,
  found: Found,
  now: number,
): SessionDetail {
  return Object.assign(factsOf(state, found), {
    attributes: engine.attributes.open(found),
    lastActivity: found.lastActivity ?? state.createdAt,
    origin: state.origin,
    contexts: state.contexts.map((context) => contextDetail(state, context, now)),
    forked: state.fork !== null,
  })
}

/** Every field is named: copying would be half of the work of listing a thousand sessions. */
function contextDetail(
  { failures }: SessionState,
  context: Context,
  now: number,
): SessionDetail['contexts'][number] {
  return {
    key: context.key,
    state: context.state,
    network: context.network,
    device: context.device,
    firstSeen: context.firstSeen,
    lastSeen: context.lastSeen,
    visits: context.visits,
    evidence: context.evidence,
    evidenceAt: context.evidenceAt,
    because: context.because,
    evidenceNow: decayed(context, now),
    failures: failuresOf(failures, context.key),
  }
}

/**
 * The claims of an access token. A proof counts where it was given: elsewhere nothing downstream
 * may take the session for stronger, or fresher.
 */
function grantOf(
  state: SessionState,
  { generation }: Found,
  { audience, presentation }: AccessRequest,
): AccessGrant {
  const { at, network, device, sensitivity } = presentation
  const { acr, amr, authenticatedAt } = state.family
  const proved = provedAt(state, contextKey(network, device))
  return {
    session: state.id,
    subject: state.subject,
    tenant: state.tenant,
    generation,
    acr: proved ? acr : null,
    amr: proved ? amr : [],
    authenticatedAt: proved ? authenticatedAt : null,
    sensitivity,
    deadline: state.deadline,
    audience,
    at,
  }
}
