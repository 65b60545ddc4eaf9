/** An alert to the security team, as the page shows it. */
export interface AlertItem {
  /** Of the message: the same comes again where an answer was lost. */
  readonly id: string
  readonly at: number
  readonly severity: string
  readonly title: string
  readonly text: string
}

/** A mail to a customer. */
export interface MailItem {
  readonly id: string
  readonly at: number
  /** The customer's id. */
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly links: { readonly me: string; readonly notMe: string } | null
}

/**
 * Catches what a real shop would hand on: alerts to a chat or a pager, mails to a mail server. In
 * memory, the last 50 of each.
 */
export interface Inbox {
  putAlert(item: AlertItem): void
  putMail(item: MailItem): void
  /** Newest last. */
  alerts(): readonly AlertItem[]
  mailsTo(customer: string): readonly MailItem[]
  /** Called whenever something new has come. Answers how to stop that. */
  onNew(listener: () => void): () => void
}

const MOST = 50

export function inbox(): Inbox {
  const alerts = new Map<string, AlertItem>()
  const mails = new Map<string, MailItem>()
  const listeners = new Set<() => void>()

  function put<Item extends { readonly id: string }>(into: Map<string, Item>, item: Item): void {
    if (into.has(item.id)) return
    into.set(item.id, item)
    const [oldest] = into.keys()
    if (into.size > MOST && oldest !== undefined) into.delete(oldest)
    for (const listener of listeners) listener()
  }

  return {
    putAlert: (item) => put(alerts, item),
    putMail: (item) => put(mails, item),
    alerts: () => [...alerts.values()],
    mailsTo: (customer) => [...mails.values()].filter(({ to }) => to === customer),
    onNew(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
