import { contextKey } from '../../core/context.ts'
import type { Presentation } from '../../core/request.ts'
import {
  firstSecret,
  type RotationStatus,
  withFirstUse,
  withSibling,
  withSuccessor,
  withUser,
} from '../../core/rotation.ts'
import type { Secret, SessionFamily, SessionState, TokenFamily } from '../../core/session.ts'
import type { TokenClaims, TokenKind } from '../../core/token.ts'
import type { EngineContext } from '../context.ts'

export interface Rotation {
  readonly state: SessionState
  /** What the answer has to deliver. */
  readonly token?: string
  readonly refreshToken?: string
  readonly rotated?: 'rotated' | 'sibling'
}

/** Ack, rotation and re-delivery: only on `allow` and `observe`, and only what the answer can carry. */
export function rotateSession(
  engine: EngineContext,
  state: SessionState,
  {
    rotation,
    presentation,
    deliverable,
    watched,
  }: {
    readonly rotation: RotationStatus
    readonly presentation: Presentation
    readonly deliverable: boolean
    /** Something speaks against the holder: rotate whether it is due or not. */
    readonly watched: boolean
  },
): Rotation {
  const { at, network, device } = presentation
  const context = contextKey(network, device)
  const { family } = state

  if (rotation.status === 'in_flight' || rotation.status === 'fork' || rotation.status === 'ahead')
    return { state }

  const first = rotation.status === 'current' && rotation.first
  const used = first ? withFirstUse(family, context, at) : withUser(family, context)
  const acked = used === family ? state : { ...state, family: used }
  if (rotation.status === 'resend') {
    const token = family.issued.token
    return deliverable && token !== undefined ? { state: acked, token } : { state: acked }
  }
  if (rotation.status === 'lost') {
    if (!deliverable) return { state: acked }
    const { secret, token } = mint(engine, state, { kind: 'session', line: family, at })
    return { state: { ...state, family: withSibling(used, secret, at) }, token, rotated: 'sibling' }
  }

  const due = watched || rotationDue(engine, family, presentation)
  if (!deliverable || !due) return { state: acked }
  const { secret, token } = mint(engine, acked, { kind: 'session', line: family, at })
  return {
    state: { ...acked, family: withSuccessor(acked.family, secret) },
    token,
    rotated: 'rotated',
  }
}

/** As {@link rotateSession}, for a refresh token: each use rotates, and only its direct predecessor may still be in flight. */
export function rotateRefresh(
  engine: EngineContext,
  state: SessionState,
  {
    rotation,
    presentation,
  }: { readonly rotation: RotationStatus; readonly presentation: Presentation },
): Rotation {
  const { at, network, device } = presentation
  const line = state.refresh
  if (
    line === null ||
    rotation.status === 'in_flight' ||
    rotation.status === 'fork' ||
    rotation.status === 'ahead'
  )
    return { state }

  const context = contextKey(network, device)
  const used =
    rotation.status === 'current' && rotation.first
      ? onlyDirect(withFirstUse(line, context, at))
      : withUser(line, context)
  if (rotation.status === 'resend') {
    const { token } = line.issued
    const acked = used === line ? state : { ...state, refresh: used }
    return token === undefined ? { state: acked } : { state: acked, refreshToken: token }
  }
  const { secret, token } = mint(engine, state, { kind: 'refresh', line: used, at })
  return rotation.status === 'lost'
    ? {
        state: { ...state, refresh: withSibling(used, secret, at) },
        refreshToken: token,
        rotated: 'sibling',
      }
    : {
        state: { ...state, refresh: withSuccessor(used, secret) },
        refreshToken: token,
        rotated: 'rotated',
      }
}

/** What rotates at every use must not leave a minute's worth of old secrets good. */
function onlyDirect(line: TokenFamily): TokenFamily {
  return { ...line, predecessors: line.predecessors.slice(0, 1) }
}

/** Every few minutes, and before a sensitive route: a thief who acted leaves a fork behind. */
export function rotationDue(
  engine: EngineContext,
  { issued }: SessionFamily,
  { at, sensitivity }: Presentation,
): boolean {
  return sensitivity === 'sensitive' || at - issued.mintedAt >= engine.rotateEveryMs
}

function mint(
  engine: EngineContext,
  { id }: SessionState,
  { kind, line, at }: { readonly kind: TokenKind; readonly line: TokenFamily; readonly at: number },
): { readonly secret: Secret; readonly token: string } {
  const generation = line.issued.generation + 1
  const { token, digest } = engine.codec.mint({ session: id, kind, family: line.id, generation })
  return { secret: { generation, digest, mintedAt: at, token }, token }
}

/** A new line of secrets with the token of its first one: everything before it is dead. */
export function newFamily(
  { codec }: Pick<EngineContext, 'codec'>,
  born: Pick<TokenClaims, 'session' | 'kind' | 'family'> & {
    readonly context: string
    readonly at: number
  },
): { readonly family: TokenFamily; readonly token: string } {
  const { session, kind, family, context, at } = born
  const { token, digest } = codec.mint({ session, kind, family, generation: 1 })
  const first = firstSecret({ generation: 1, digest, mintedAt: at })
  return { family: { id: family, ...first, contexts: [context] }, token }
}
