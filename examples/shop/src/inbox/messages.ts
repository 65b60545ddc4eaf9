import type { AlertItem, MailItem } from './inbox.ts'

/** What Holdfast posts to a webhook, as far as the page shows it. */
interface AlertMessage {
  readonly data: Omit<AlertItem, 'id'>
}

interface NoticeMessage {
  readonly data: {
    readonly at: number
    readonly subject: string
    readonly links: MailItem['links']
    readonly mail: { readonly subject: string; readonly text: string }
  }
}

/** Of a message whose signature was right: its form is the service's. */
export function alertItem(id: string, message: unknown): AlertItem {
  const { at, severity, title, text } = (message as AlertMessage).data
  return { id, at, severity, title, text }
}

/** As {@link alertItem}. A real shop looks up the customer's address here, and sends the mail. */
export function mailItem(id: string, message: unknown): MailItem {
  const { at, subject: to, links, mail } = (message as NoticeMessage).data
  return { id, at, to, subject: mail.subject, text: mail.text, links }
}
