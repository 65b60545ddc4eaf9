import type { ServerResponse } from 'node:http'
import type { Inbox } from './inbox.ts'

/** A browser connects anew after this. */
const LIFE_MS = 60_000

/**
 * Server-sent events: everything that is there as one `inbox`, and again whenever something comes.
 */
export function streamInbox(
  response: ServerResponse,
  {
    inbox,
    customer,
    stop,
  }: { readonly inbox: Inbox; readonly customer: string; readonly stop: AbortSignal },
): void {
  const ended = AbortSignal.any([stop, AbortSignal.timeout(LIFE_MS)])
  const forget = inbox.onNew(send)
  const end = (): unknown => response.end()
  ended.addEventListener('abort', end, { once: true })
  response.once('close', () => {
    forget()
    ended.removeEventListener('abort', end)
  })
  send()

  function send(): void {
    const all = { alerts: inbox.alerts(), mails: inbox.mailsTo(customer) }
    response.write(`event: inbox\ndata: ${JSON.stringify(all)}\n\n`)
  }
}
