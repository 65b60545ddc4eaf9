import { linesOf } from '../alert-lines.ts'
import { mailBody } from '../mail-body.ts'
import type { Mailer } from '../mailer.ts'
import type { Target } from '../target.ts'

/** Mail to those who look after security, with one thread for each incident. */
export function email(send: Mailer, { to }: { readonly to: readonly string[] }): Target {
  return {
    deliver(alert, { signal }) {
      const { title, text, facts, timeline, command, link } = linesOf(alert)
      const { id, incident } = alert
      const body = mailBody({
        title,
        paragraphs: text === '' ? [] : [text],
        facts,
        list: timeline,
        links: link === null ? [] : [{ text: 'Open the incident', href: link }],
        footer: `Show it: ${command}`,
      })
      return send({ id, thread: incident, to, subject: title, ...body }, { signal })
    },
  }
}
