import type { RouteShorthandOptions } from 'fastify'
import type { SessionView } from 'holdfast'
import { connect } from 'holdfast/client'
import { holdfast as onFastify, accessGuard as tokensOnFastify } from 'holdfast/fastify'
import { holdfast as onHono, accessGuard as tokensOnHono } from 'holdfast/hono'
import { remoteKeySet, verifier } from 'holdfast/tokens'
import type { Context, MiddlewareHandler } from 'hono'
import { BEHIND_OWN_HOPS } from './trusted-hops.ts'

/** How the services behind know who asks. Their routes are the same either way. */
export interface ServiceGuards {
  readonly catalogue: Pick<RouteShorthandOptions, 'preHandler' | 'onRequest'>
  readonly orders: OrderGuards
}

export interface OrderGuards {
  readonly reading: MiddlewareHandler
  readonly ordering: MiddlewareHandler
  buyerOf(c: Context): string
}

/** Each service asks the authority about each session. Ordering is `sensitive`. */
export function askingTheAuthority(authority: {
  readonly url: string
  readonly key: string
}): ServiceGuards {
  const catalogue = onFastify(connect(authority), BEHIND_OWN_HOPS)
  const orders = onHono(connect(authority), BEHIND_OWN_HOPS)
  return {
    catalogue: { preHandler: catalogue.requireSession() },
    orders: {
      reading: orders.requireSession(),
      ordering: orders.requireSession({ sensitivity: 'sensitive' }),
      buyerOf(c) {
        const session: SessionView = c.get('session')
        return session.subject
      },
    },
  }
}

/**
 * A gateway in front has asked already, and said which route is sensitive: the services verify its
 * access tokens offline.
 */
export function believingTokens({
  url,
  issuer,
  now,
}: {
  readonly url: string
  readonly issuer: string
  readonly now: () => number
}): ServiceGuards {
  const keys = remoteKeySet({ url: `${url}/.well-known/jwks.json`, now })
  const tokens = verifier({ issuer, audience: 'shop', keys, now })
  const catalogue = tokensOnFastify(tokens)
  const orders = tokensOnHono(tokens)
  return {
    catalogue: { onRequest: catalogue.requireAccess() },
    orders: {
      reading: orders.requireAccess(),
      ordering: orders.requireAccess(),
      buyerOf: (c) => orders.accessOf(c).sub,
    },
  }
}
