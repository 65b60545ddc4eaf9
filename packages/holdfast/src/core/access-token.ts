import type { SessionId } from './ids.ts'
import type { Sensitivity } from './request.ts'

/**
 * What an access token says of a session that was just presented, as it stands in that context.
 */
export interface AccessGrant {
  readonly session: SessionId
  readonly subject: string
  readonly tenant: string
  /** The highest subject generation that the session has survived. */
  readonly generation: number
  /** Null: none counts in the presenting context. */
  readonly acr: string | null
  /** Empty where none counts in the presenting context. */
  readonly amr: readonly string[]
  /**
   * Null: no authentication counts in the presenting context, so nothing downstream may call it
   * fresh.
   */
  readonly authenticatedAt: number | null
  /** How the presentation was judged. */
  readonly sensitivity: Sensitivity
  /** The session's absolute deadline: no token outlives it. */
  readonly deadline: number
  /** Who the token is for; undefined takes the first audience of the issuer. */
  readonly audience: string | undefined
  readonly at: number
}

/** Issues signed access tokens; `accessTokens` of `holdfast/tokens` makes one. */
export interface AccessTokens {
  /**
   * Every audience that it issues for. Another one is `invalid_input` before anything is judged.
   */
  readonly audiences: readonly string[]
  /**
   * The token and its remaining life in whole seconds. Throws `invalid_input` for an unknown
   * audience.
   */
  issue(grant: AccessGrant): Promise<{ readonly token: string; readonly expiresIn: number }>
}
