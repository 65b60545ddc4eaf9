import { contextKey } from '../../core/context.ts'
import type { Presentation } from '../../core/request.ts'
import {
  acknowledge,
  displace,
  firstSecret,
  type Row,
  rotate,
  usedBy,
} from '../../core/rotation.ts'
import type { Family, Line, Secret, SessionState } from '../../core/session.ts'
import type { TokenClaims, TokenKind } from '../../core/token.ts'
import type { Parts } from '../context.ts'

export interface Advanced {
  readonly state: SessionState
  /** What the answer has to deliver. */
  readonly token?: string
  readonly refreshToken?: string
  readonly rotated?: 'rotated' | 'sibling'
}

/** Ack, rotation and re-delivery: only on `allow` and `observe`, and only what the answer can carry. */
export function advance(
  parts: Parts,
  state: SessionState,
  {
    row,
    presentation,
    deliverable,
    watched,
  }: {
    readonly row: Row
    readonly presentation: Presentation
    readonly deliverable: boolean
    /** Something speaks against the holder: rotate whether it is due or not. */
    readonly watched: boolean
  },
): Advanced {
  const { at, network, device } = presentation
  const context = contextKey(network, device)
  const { family } = state

  if (row.row === 'in_flight' || row.row === 'fork' || row.row === 'ahead') return { state }

  const first = row.row === 'current' && row.first
  const used = first ? acknowledge(family, context, at) : usedBy(family, context)
  const acked = used === family ? state : { ...state, family: used }
  if (row.row === 'resend') {
    const token = family.issued.token
    return deliverable && token !== undefined ? { state: acked, token } : { state: acked }
  }
  if (row.row === 'lost') {
    if (!deliverable) return { state: acked }
    const { secret, token } = mint(parts, state, { kind: 'session', line: family, at })
    return { state: { ...state, family: displace(used, secret, at) }, token, rotated: 'sibling' }
  }

  const due = watched || rotationDue(parts, family, presentation)
  if (!deliverable || !due) return { state: acked }
  const { secret, token } = mint(parts, acked, { kind: 'session', line: family, at })
  return { state: { ...acked, family: rotate(acked.family, secret) }, token, rotated: 'rotated' }
}

/** As {@link advance}, for a refresh token: each use rotates, and only its direct predecessor may still be in flight. */
export function advanceRefresh(
  parts: Parts,
  state: SessionState,
  { row, presentation }: { readonly row: Row; readonly presentation: Presentation },
): Advanced {
  const { at, network, device } = presentation
  const line = state.refresh
  if (line === null || row.row === 'in_flight' || row.row === 'fork' || row.row === 'ahead')
    return { state }

  const context = contextKey(network, device)
  const used =
    row.row === 'current' && row.first
      ? onlyDirect(acknowledge(line, context, at))
      : usedBy(line, context)
  if (row.row === 'resend') {
    const { token } = line.issued
    const acked = used === line ? state : { ...state, refresh: used }
    return token === undefined ? { state: acked } : { state: acked, refreshToken: token }
  }
  const { secret, token } = mint(parts, state, { kind: 'refresh', line: used, at })
  return row.row === 'lost'
    ? {
        state: { ...state, refresh: displace(used, secret, at) },
        refreshToken: token,
        rotated: 'sibling',
      }
    : {
        state: { ...state, refresh: rotate(used, secret) },
        refreshToken: token,
        rotated: 'rotated',
      }
}

/** What rotates at every use must not leave a minute's worth of old secrets good. */
function onlyDirect(line: Line): Line {
  return { ...line, predecessors: line.predecessors.slice(0, 1) }
}

/** Every few minutes, and before a sensitive route: a thief who acted leaves a fork behind. */
export function rotationDue(
  parts: Parts,
  { issued }: Family,
  { at, sensitivity }: Presentation,
): boolean {
  return sensitivity === 'sensitive' || at - issued.mintedAt >= parts.rotateEveryMs
}

function mint(
  parts: Parts,
  { id }: SessionState,
  { kind, line, at }: { readonly kind: TokenKind; readonly line: Line; readonly at: number },
): { readonly secret: Secret; readonly token: string } {
  const generation = line.issued.generation + 1
  const { token, digest } = parts.codec.mint({ session: id, kind, family: line.id, generation })
  return { secret: { generation, digest, mintedAt: at, token }, token }
}

/** A new line of secrets with the token of its first one: everything before it is dead. */
export function newLine(
  { codec }: Pick<Parts, 'codec'>,
  born: Pick<TokenClaims, 'session' | 'kind' | 'family'> & {
    readonly context: string
    readonly at: number
  },
): { readonly line: Line; readonly token: string } {
  const { session, kind, family, context, at } = born
  const { token, digest } = codec.mint({ session, kind, family, generation: 1 })
  const first = firstSecret({ generation: 1, digest, mintedAt: at })
  return { line: { id: family, ...first, contexts: [context] }, token }
}
