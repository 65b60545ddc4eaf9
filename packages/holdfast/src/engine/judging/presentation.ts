import type { Claims } from '../../codecs/codec.ts'
import { contextKey } from '../../core/context.ts'
import { type RefusalCode, SessionError } from '../../core/errors.ts'
import type { Presentation } from '../../core/request.ts'
import { type RotationStatus, rotationStatus } from '../../core/rotation.ts'
import type { SessionState, TokenFamily } from '../../core/session.ts'
import type { Presented } from '../../core/sessions.ts'
import type { TokenKind } from '../../core/token.ts'
import type { EngineContext } from '../context.ts'
import {
  checkAudience,
  checkDuration,
  checkNetwork,
  checkRequest,
  checkWord,
  invalid,
} from '../input.ts'

/** One presentation, reduced and authenticated. */
export interface AuthenticatedPresentation {
  readonly presented: Presented
  readonly presentation: Presentation
  readonly claims: Claims
}

/** Refused before anything is read: no store access, no effect on any session. */
export function authenticate(
  engine: EngineContext,
  { token, acr, maxAgeMs, sensitivity, waitedMs = 0, audience, correlation }: Presented,
  { at, kind }: { readonly at: number; readonly kind: TokenKind },
): Claims | RefusalCode {
  if (acr !== undefined) checkWord('acr', acr)
  if (correlation !== undefined) checkWord('correlation', correlation)
  if (maxAgeMs !== undefined) checkDuration('maxAgeMs', maxAgeMs)
  if (sensitivity !== undefined && sensitivity !== 'normal' && sensitivity !== 'sensitive') {
    throw new SessionError('invalid_input', 'sensitivity must be "normal" or "sensitive"')
  }
  if (audience !== undefined) checkAudience(engine.tokens, audience)
  if (!Number.isSafeInteger(waitedMs) || waitedMs < 0) {
    throw invalid('waitedMs', 'must be a whole number of milliseconds from 0 up')
  }
  if (typeof token !== 'string') throw new SessionError('invalid_input', 'token must be a string')
  const claims = engine.codec.authenticate(token)
  if (typeof claims === 'string') {
    engine.eventWriter.publish([engine.eventWriter.event('token-unknown', { at, reason: claims })])
    return claims
  }
  return claims.kind === kind ? claims : 'wrong_token_use'
}

/** Bad input is refused here, before anything has an effect. */
export function presentationOf(
  engine: EngineContext,
  presented: Pick<Presented, 'request' | 'sensitivity'>,
  at: number,
): Presentation {
  const request = checkRequest(presented.request)
  return {
    at,
    network: checkNetwork(engine.describeNetwork, request.ip),
    device: engine.describeDevice(request),
    sensitivity: presented.sensitivity ?? 'normal',
    method: request.method,
  }
}

/** No request may take longer to arrive: who holds an old secret must not keep it alive by sending slowly. */
const MAX_WAITED_MS = 5 * 60_000

/** The session's live line of secrets of one kind; null where it has none. */
export function familyOfKind(
  { family, refresh }: SessionState,
  kind: TokenKind,
): TokenFamily | null {
  return kind === 'session' ? family : refresh
}

/** The ratchet's row, or that the token belongs to a line that a login or step-up has ended. */
export function statusOfPresented(
  state: SessionState,
  { claims, presentation, presented }: AuthenticatedPresentation,
): RotationStatus | 'dead' {
  const line = familyOfKind(state, claims.kind)
  if (line !== null && claims.family < line.id) return 'dead'
  const rotation: RotationStatus =
    line === null || claims.family > line.id
      ? { status: 'ahead' }
      : rotationStatus(line, {
          generation: claims.generation,
          digest: claims.digest,
          context: contextKey(presentation.network, presentation.device),
          at: presentation.at - Math.min(presented.waitedMs ?? 0, MAX_WAITED_MS),
        })
  if (rotation.status !== 'ahead') return rotation
  throw new SessionError(
    'store_rolled_back',
    `Session ${state.id} was shown a secret that its record does not know yet: the store lost writes. Nothing is decided on it.`,
  )
}
