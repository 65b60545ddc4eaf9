import type { IntrospectedToken } from 'holdfast/maintenance'
import { introspection, tokenBody } from 'holdfast/wire'
import { type Call, call } from '../call.ts'
import { type Caller, checkAudience, isFor } from '../callers.ts'
import type { ApiParts } from '../parts.ts'

const FORM = ['token', 'token_type_hint']
const MAX_BODY_BYTES = 16_384

/**
 * The standard calls for those who know them: RFC 7662 and RFC 7009, for access, session and
 * refresh tokens.
 */
export function introspectionCalls(parts: ApiParts): readonly Call[] {
  const { sessions, ownTokens } = parts
  const active = activeClaims(parts)

  return [
    call({
      id: 'introspect',
      method: 'post',
      path: '/v1/introspect',
      roles: ['app', 'gate'],
      summary: 'Whether a token is current and its session live (RFC 7662); judges nobody',
      body: tokenBody,
      form: FORM,
      oauth: true,
      bodyBytes: MAX_BODY_BYTES,
      answers: {
        200: {
          about: '`active`, and what the token stands for where it is',
          body: introspection,
        },
      },
      async handle({ body, caller }) {
        const claims = await active(body.token, caller)
        return {
          status: 200,
          body: claims === undefined ? { active: false } : { active: true, ...claims },
        }
      },
    }),

    call({
      id: 'revokeToken',
      method: 'post',
      path: '/v1/revoke',
      roles: ['app'],
      summary: 'End the session of a token (RFC 7009); one that is unknown is nothing to end',
      body: tokenBody,
      form: FORM,
      oauth: true,
      bodyBytes: MAX_BODY_BYTES,
      answers: { 200: { about: 'The session of the token is over, if there was one' } },
      async handle({ body: { token }, caller, traced }) {
        const claims = await ownTokens.verify(token)
        if (claims === undefined) {
          await sessions.logout(token, traced)
          return { status: 200 }
        }
        // RFC 7009, section 2.1: who may not revoke a token is told so
        for (const audience of [claims.aud].flat()) checkAudience(caller, audience)
        const order = { reason: 'token_revoked', actor: caller.name, ...traced }
        await sessions.revoke(claims.sid, order)
        return { status: 200 }
      },
    }),
  ]
}

/**
 * All that a token says, where it is current and its session is live at this moment. A caller
 * learns nothing of access tokens that are not for it (RFC 7662, sections 2.2 and 4).
 */
export function activeClaims({
  sessions,
  inspector,
  ownTokens,
}: Pick<ApiParts, 'sessions' | 'inspector' | 'ownTokens'>): (
  token: string,
  caller: Caller,
) => Promise<Readonly<Record<string, unknown>> | undefined> {
  async function active(
    token: string,
    caller: Caller,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const claims = await ownTokens.verify(token)
    if (claims !== undefined) {
      if (!isFor(caller, claims.aud)) return undefined
      return (await isLive(claims.sid)) ? { token_type: 'Bearer', ...claims } : undefined
    }
    const inspected = await inspector.token(token)
    if (inspected === undefined || !(await isLive(inspected.session))) return undefined
    return claimsOf(inspected)
  }

  /** As the engine knows it, which does not believe a store that has lost an ending. */
  async function isLive(session: string): Promise<boolean> {
    return (await sessions.show(session)) !== undefined
  }

  function claimsOf({
    kind,
    session,
    subject,
    tenant,
    issuedAt,
    expiresAt,
  }: IntrospectedToken): Record<string, unknown> {
    return {
      token_type: kind,
      sub: subject,
      ...(tenant === 'default' ? {} : { tid: tenant }),
      sid: session,
      iss: ownTokens.issuer,
      client_id: ownTokens.clientId,
      iat: Math.floor(issuedAt / 1_000),
      exp: Math.floor(expiresAt / 1_000),
    }
  }

  return active
}
