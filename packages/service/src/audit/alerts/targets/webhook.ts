import { Webhook } from 'standardwebhooks'
import type { Alert } from '../alert.ts'
import type { Post } from '../http-post.ts'
import type { Delivery, Target } from '../target.ts'

export interface Signing {
  readonly secrets: readonly string[]
  readonly now: () => number
}

/** Posts a signed message. Its id is the same at every try. */
export type SignedPost = (message: {
  readonly id: string
  /** What Standard Webhooks recommends: type, timestamp, data. */
  readonly payload: object
  readonly signal: AbortSignal
}) => Promise<Delivery>

/**
 * Any receiver, by Standard Webhooks: `webhook-signature` has one signature for each secret, so
 * that they can be changed. Throws for a secret that is no base64.
 */
export function signedPost(post: Post, { secrets, now }: Signing): SignedPost {
  const signers = secrets.map((secret) => new Webhook(secret))

  return ({ id, payload, signal }) => {
    const at = new Date(now())
    const body = JSON.stringify(payload)
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': signers.map((one) => one.sign(id, at, body)).join(' '),
    }
    return post({ body, headers, signal })
  }
}

/** Alerts, each under its own id. */
export function webhook(post: Post, signing: Signing): Target {
  const send = signedPost(post, signing)

  return {
    deliver: (alert, { signal }) => send({ id: alert.id, payload: payloadOf(alert), signal }),
  }
}

function payloadOf(alert: Alert): object {
  return {
    type: `alert.${alert.change}`,
    timestamp: new Date(alert.at).toISOString(),
    data: alert,
  }
}
