import type { Codec, RecordIdentity } from '../../codecs/codec.ts'
import { fromBase64url, toBase64url } from '../../core/base64url.ts'
import { SessionError } from '../../core/errors.ts'
import { isSessionId, type SessionId } from '../../core/ids.ts'

/** What a challenge is about. `completeStepUp` must match all of it. */
export interface ChallengeFacts {
  readonly session: SessionId
  readonly family: number
  /** Digest of the secret that was shown. */
  readonly digest: string
  readonly context: string
  /** Least authentication context that the route asked for. */
  readonly acr: string | null
  readonly expiresAt: number
  readonly nonce: string
}

const PREFIX = 'hc1.'
const MAX_LENGTH = 2048

/** Self-contained and authenticated: nothing is stored until it is completed. */
export function sealChallenge(codec: Codec, facts: ChallengeFacts): string {
  return `${PREFIX}${facts.session}.${toBase64url(codec.sealJson(challengeIdentity(facts.session), facts))}`
}

/** Undefined for whatever we did not seal. */
export function openChallenge(codec: Codec, text: string): ChallengeFacts | undefined {
  if (text.length > MAX_LENGTH || !text.startsWith(PREFIX)) return undefined
  const [, session = '', sealed = '', ...rest] = text.split('.')
  const bytes = fromBase64url(sealed)
  if (!isSessionId(session) || bytes === undefined || rest.length > 0) return undefined
  try {
    return codec.openJson(challengeIdentity(session), bytes) as ChallengeFacts
  } catch (error) {
    // Here the bytes come from the client: altered ones are an expected answer, not a damaged store.
    if (error instanceof SessionError) return undefined
    throw error
  }
}

function challengeIdentity(session: SessionId): RecordIdentity {
  return { kind: 'challenge', id: session, version: 1 }
}
