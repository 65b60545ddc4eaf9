import type { Codec, RecordIdentity } from '../../codecs/codec.ts'
import { fromBase64url, toBase64url } from '../../core/base64url.ts'
import { sameText } from '../../core/constant-time.ts'
import { contextKey } from '../../core/context.ts'
import { SessionError } from '../../core/errors.ts'
import { isSessionId, type SessionId } from '../../core/ids.ts'
import type { SessionState } from '../../core/session.ts'
import type { Presented, Proof } from '../../core/sessions.ts'
import type { EngineContext } from '../context.ts'
import {
  type AuthenticatedPresentation,
  authenticate,
  matchSecret,
  ReducedPresentation,
} from './presentation.ts'

/** What a challenge is about. `completeStepUp` must match all of it. */
export interface ChallengeFacts {
  readonly session: SessionId
  readonly family: string
  /** Digest of the secret that was shown. */
  readonly digest: string
  readonly context: string
  /** Least authentication context that the route asked for. */
  readonly acr: string | null
  readonly expiresAt: number
  readonly nonce: string
}

/** A presentation together with the challenge that it answers. */
export interface StepUpAttempt extends AuthenticatedPresentation {
  readonly at: number
  readonly challenge: ChallengeFacts
}

const PREFIX = 'hc1.'
const MAX_LENGTH = 2048

/** Self-contained and authenticated: nothing is stored until it is completed. */
export function sealChallenge(codec: Codec, facts: ChallengeFacts): string {
  const sealed = codec.sealJson(challengeIdentity(facts.session), facts)
  return `${PREFIX}${facts.session}.${toBase64url(sealed)}`
}

/**
 * The answer to a challenge. Undefined: challenge, family and context do not belong together, or
 * the time is up.
 */
export function stepUpAttempt(
  engine: EngineContext,
  answer: Pick<Proof, 'challenge' | 'token' | 'request' | 'correlation' | 'trace'>,
): StepUpAttempt | undefined {
  const at = engine.host.now()
  const { token, request, correlation, trace } = answer
  const presented: Presented = { token, request, correlation, trace }
  const challenge = openChallenge(engine.codec, answer.challenge)
  const claims = authenticate(engine, presented, { at, kind: 'session' })
  const presentation = new ReducedPresentation(engine, presented, { at })
  if (challenge === undefined || typeof claims === 'string') return undefined
  const belongs =
    at < challenge.expiresAt &&
    claims.session === challenge.session &&
    claims.family === challenge.family &&
    contextKey(presentation.network, presentation.device) === challenge.context
  return belongs ? { presented, presentation, claims, at, challenge } : undefined
}

/**
 * Whether who answers is who was asked. The family goes on, and the secret is the one that was
 * shown then or the newest one: another tab of the same cookie jar may have rotated it meanwhile.
 * After a fork only the very secret counts.
 */
export function isOfOneHolder(state: SessionState, attempt: StepUpAttempt): boolean {
  const { challenge, claims } = attempt
  if (state.family.id !== challenge.family) return false
  if (sameText(claims.digest, challenge.digest)) return true
  if (state.fork !== null) return false
  const status = matchSecret(state.family, attempt)?.rotation.status
  return status !== undefined && status !== 'fork' && status !== 'in_flight'
}

/** Undefined for whatever was not sealed here. */
function openChallenge(codec: Codec, text: unknown): ChallengeFacts | undefined {
  // It comes out of a form, and may be of any type and length.
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return undefined
  if (!text.startsWith(PREFIX)) return undefined
  const [, session = '', sealed = '', ...rest] = text.split('.')
  const bytes = fromBase64url(sealed)
  if (!isSessionId(session) || bytes === undefined || rest.length > 0) return undefined
  try {
    const facts = codec.openJson(challengeIdentity(session), bytes) as ChallengeFacts
    // A version before this one numbered the families.
    return { ...facts, family: String(facts.family).padStart(16, '0') }
  } catch (error) {
    // The bytes come from the client: altered ones are expected, and no damage of the store.
    if (error instanceof SessionError) return undefined
    throw error
  }
}

function challengeIdentity(session: SessionId): RecordIdentity {
  return { kind: 'challenge', id: session, version: 1 }
}
