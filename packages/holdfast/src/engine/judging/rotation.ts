import { contextKey } from '../../core/context.ts'
import type { SessionEvent } from '../../core/events.ts'
import type { Presentation } from '../../core/request.ts'
import {
  firstSecret,
  withFirstUse,
  withSibling,
  withSuccessor,
  withUser,
} from '../../core/rotation.ts'
import type { Secret, SessionFamily, SessionState, TokenFamily } from '../../core/session.ts'
import type { TokenClaims, TokenKind } from '../../core/token.ts'
import type { EngineContext } from '../context.ts'
import { factsOf, type MatchedPresentation } from './presentation.ts'

/** The record after a presentation, and what the answer has to deliver. */
export interface Rotation {
  readonly state: SessionState
  readonly token?: string
  readonly refreshToken?: string
  /** What was minted: a successor, or a sibling for a successor whose response was lost. */
  readonly rotated?: 'successor' | 'sibling'
}

/**
 * Notes the use of a secret, and mints or sends again what the answer can carry. Only for outcomes
 * `allow` and `observe`. `watched`: rotates whether it is due or not.
 */
export function rotate(
  engine: EngineContext,
  state: SessionState,
  matched: MatchedPresentation,
  { watched }: { readonly watched: boolean },
): Rotation {
  const { status } = matched.rotation
  if (status === 'in_flight' || status === 'fork' || status === 'ahead') return { state }
  return matched.claims.kind === 'refresh'
    ? rotateRefresh(engine, state, matched)
    : rotateSession(engine, state, matched, watched)
}

/** Every few minutes, and before a sensitive route: a thief who acted leaves a fork behind. */
export function rotationDue(
  { rotateEveryMs }: EngineContext,
  { issued }: SessionFamily,
  { at, sensitivity }: Presentation,
): boolean {
  return sensitivity === 'sensitive' || at - issued.mintedAt >= rotateEveryMs
}

/** A new family with the token of its first secret: everything before it is dead. */
export function newFamily(
  { codec }: Pick<EngineContext, 'codec'>,
  from: Pick<TokenClaims, 'session' | 'kind' | 'family'> & {
    readonly context: string
    readonly at: number
  },
): { readonly family: TokenFamily; readonly token: string } {
  const { session, kind, family, context, at } = from
  const { token, digest } = codec.mint({ session, kind, family, generation: 1 })
  const first = firstSecret({ generation: 1, digest, mintedAt: at })
  return { family: { id: family, ...first, contexts: [context] }, token }
}

/** Events of what was minted. A refresh token that rotates as usual is sampled elsewhere. */
export function rotationEvents(
  { eventWriter }: EngineContext,
  matched: MatchedPresentation,
  { rotated }: Rotation,
): readonly SessionEvent[] {
  if (rotated === undefined) return []
  if (matched.claims.kind === 'refresh') {
    if (rotated === 'successor') return []
    const facts = { ...factsOf(matched), reason: 'response_lost' }
    return [eventWriter.event('session-refreshed', facts)]
  }
  const reason = rotated === 'sibling' ? 'response_lost' : matched.presentation.sensitivity
  return [eventWriter.event('secret-rotated', { ...factsOf(matched), actor: 'engine', reason })]
}

function rotateSession(
  engine: EngineContext,
  state: SessionState,
  { rotation, presentation, presented }: MatchedPresentation,
  watched: boolean,
): Rotation {
  const { at } = presentation
  const { family } = state
  const deliverable = presented.deliverable === true
  const used = withUse(family, rotation, presentation)
  const noted = used === family ? state : { ...state, family: used }
  if (rotation.status === 'resend') {
    const { token } = family.issued
    return deliverable && token !== undefined ? { state: noted, token } : { state: noted }
  }
  const lost = rotation.status === 'lost'
  const due = lost || watched || rotationDue(engine, family, presentation)
  if (!deliverable || !due) return { state: noted }
  const { secret, token } = mint(engine, state, { kind: 'session', family, at })
  return lost
    ? { state: { ...state, family: withSibling(used, secret, at) }, token, rotated: 'sibling' }
    : { state: { ...state, family: withSuccessor(used, secret) }, token, rotated: 'successor' }
}

/** Each use of a refresh token rotates it. */
function rotateRefresh(
  engine: EngineContext,
  state: SessionState,
  { rotation, presentation }: MatchedPresentation,
): Rotation {
  const { at } = presentation
  const family = state.refresh
  if (family === null) return { state }
  const first = rotation.status === 'current' && rotation.first
  const noted = withUse(family, rotation, presentation)
  const used = first ? withDirectPredecessor(noted) : noted
  if (rotation.status === 'resend') {
    const { token } = family.issued
    const next = used === family ? state : { ...state, refresh: used }
    return token === undefined ? { state: next } : { state: next, refreshToken: token }
  }
  const { secret, token: refreshToken } = mint(engine, state, { kind: 'refresh', family: used, at })
  const lost = rotation.status === 'lost'
  const refresh = lost ? withSibling(used, secret, at) : withSuccessor(used, secret)
  return {
    state: { ...state, refresh },
    refreshToken,
    rotated: lost ? 'sibling' : 'successor',
  }
}

function withUse<Family extends TokenFamily>(
  family: Family,
  rotation: MatchedPresentation['rotation'],
  { at, network, device }: Presentation,
): Family {
  const context = contextKey(network, device)
  const first = rotation.status === 'current' && rotation.first
  return first ? withFirstUse(family, context, at) : withUser(family, context)
}

/** What rotates at every use must not leave a minute's worth of old secrets good. */
function withDirectPredecessor(family: TokenFamily): TokenFamily {
  return { ...family, predecessors: family.predecessors.slice(0, 1) }
}

function mint(
  { codec }: EngineContext,
  { id }: SessionState,
  from: { readonly kind: TokenKind; readonly family: TokenFamily; readonly at: number },
): { readonly secret: Secret; readonly token: string } {
  const { kind, family, at } = from
  const generation = family.issued.generation + 1
  const { token, digest } = codec.mint({ session: id, kind, family: family.id, generation })
  return { secret: { generation, digest, mintedAt: at, token }, token }
}
