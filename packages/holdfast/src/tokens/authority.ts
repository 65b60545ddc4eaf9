import { remoteCalls } from '../client/calls.ts'
import type { AccessClaims } from './access-claims.ts'

/** The service that issues the tokens, and a key to ask it with. */
export interface AuthorityOptions {
  /** For example `http://127.0.0.1:4600`. */
  readonly url: string
  /** API key with the role `gate` or `app`. */
  readonly key: string
  /** Longest wait for an answer, ms (default 2000). */
  readonly timeoutMs?: number
  /** Instead of the platform's own. */
  readonly fetch?: typeof fetch
}

/** Whether the authority holds a token for active at this moment (RFC 7662). Rejects with a coded fault when it does not say. */
export type Introspect = (token: string, claims: AccessClaims) => Promise<boolean>

/** Throws `config_invalid` for an address or key that can never work. */
export function introspection(options: AuthorityOptions): Introspect {
  const call = remoteCalls(options)
  return async (token, { sid }) => {
    const answer = await call.ask('POST', '/v1/introspect', { body: { token } })
    const told = call.expect(answer, 200, isIntrospection)
    // an answer about something else is no answer to this
    return told.active && (told.sid === undefined || told.sid === sid)
  }
}

interface Introspection {
  readonly active: boolean
  readonly sid?: unknown
}

function isIntrospection(body: unknown): body is Introspection {
  return (
    typeof body === 'object' &&
    body !== null &&
    'active' in body &&
    typeof body.active === 'boolean'
  )
}
