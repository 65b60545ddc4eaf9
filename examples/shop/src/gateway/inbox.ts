import { type Request, Router, raw } from 'express'
import { Webhook } from 'standardwebhooks'
import { inbox as newInbox } from '../inbox/inbox.ts'
import { alertItem, mailItem } from '../inbox/messages.ts'
import { streamInbox } from '../inbox/stream.ts'
import { inboxPage } from '../pages/inbox.ts'
import { document } from '../pages/layout.ts'
import { DEMO_USERS, type User } from '../users/directory.ts'
import { type GatewayParts, placeOf, userOf, visitorOf } from './parts.ts'

const BODY = raw({ type: 'application/json', limit: '256kb' })

/**
 * What reaches people: alerts for the security team, mails for the customer. Holdfast posts both
 * here, signed. A real shop has neither on a page.
 */
export function inboxRoutes(
  parts: GatewayParts & { readonly webhookSecret: string | undefined },
): Router {
  const { guard, users, stop, webhookSecret } = parts
  const inbox = newInbox()
  const router = Router()

  router.get('/inbox', guard.optionalSession(), (request, response) => {
    const loggedIn = guard.optionalSessionOf(request) !== undefined
    const customer = loggedIn ? userOf(parts, request) : firstCustomer()
    const page = {
      title: 'Inbox',
      path: '/inbox',
      visitor: loggedIn ? visitorOf(parts, request) : undefined,
      place: placeOf(parts, request),
      scripts: ['inbox.js'],
    }
    const connected = webhookSecret !== undefined
    response.send(document({ ...page, body: inboxPage({ customer, connected }) }))
  })

  // Not verified: whoever was logged out by "not me" reads on. A real mailbox is its owner's alone.
  router.get('/inbox/stream/:customer', (request, response) => {
    const customer = request.params.customer
    if (users.find(customer) === undefined) return void response.status(404).end()
    response.set('content-type', 'text/event-stream').flushHeaders()
    streamInbox(response, { inbox, customer, stop })
  })

  if (webhookSecret === undefined) return router
  const webhook = new Webhook(webhookSecret)
  const receive = (path: string, take: (id: string, message: unknown) => void): Router =>
    router.post(path, BODY, (request, response) => {
      const message = verified(webhook, request)
      if (message === undefined) return void response.status(401).end()
      take(request.get('webhook-id') ?? '', message)
      response.status(204).end()
    })
  receive('/inbox/alerts', (id, message) => inbox.putAlert(alertItem(id, message)))
  receive('/inbox/notices', (id, message) => inbox.putMail(mailItem(id, message)))
  return router
}

/** Undefined for what somebody else has posted. */
function verified(webhook: Webhook, request: Request): unknown {
  if (!Buffer.isBuffer(request.body)) return undefined
  try {
    return webhook.verify(request.body, {
      'webhook-id': request.get('webhook-id') ?? '',
      'webhook-timestamp': request.get('webhook-timestamp') ?? '',
      'webhook-signature': request.get('webhook-signature') ?? '',
    })
  } catch {
    return undefined // the library throws for every signature that is not right
  }
}

function firstCustomer(): Pick<User, 'id' | 'name'> {
  const [ada] = DEMO_USERS
  if (ada === undefined) throw new TypeError('there are no customers')
  return ada
}
