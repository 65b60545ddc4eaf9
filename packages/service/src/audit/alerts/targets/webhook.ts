import { Webhook } from 'standardwebhooks'
import type { Alert } from '../alert.ts'
import type { Post } from '../http-post.ts'
import type { Target } from '../target.ts'

/**
 * Any receiver, by Standard Webhooks: `webhook-id` is the alert's and the same at every try,
 * `webhook-signature` has one signature for each secret, so that they can be changed. Throws for a
 * secret that is no base64.
 */
export function webhook(
  post: Post,
  { secrets, now }: { readonly secrets: readonly string[]; readonly now: () => number },
): Target {
  const signers = secrets.map((secret) => new Webhook(secret))

  return {
    deliver(alert, { signal }) {
      const at = new Date(now())
      const body = JSON.stringify(eventOf(alert))
      const headers = {
        'webhook-id': alert.id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        'webhook-signature': signers.map((one) => one.sign(alert.id, at, body)).join(' '),
      }
      return post({ body, headers, signal })
    },
  }
}

/** The payload that Standard Webhooks recommends: type, time, data. */
function eventOf(alert: Alert): object {
  return {
    type: `alert.${alert.change}`,
    timestamp: new Date(alert.at).toISOString(),
    data: alert,
  }
}
