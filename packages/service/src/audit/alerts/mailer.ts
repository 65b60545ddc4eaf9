import { createTransport } from 'nodemailer'
import { connectionProblem, connectWithin, isRefusal, type Reach } from './address-filter.ts'
import { inert } from './inert-text.ts'
import { type Delivery, FEW_TRIES } from './target.ts'

/** A mail on its way to the server. */
export interface Mail {
  /** The same at every try: it becomes the Message-ID, by which doubles are dropped. */
  readonly id: string
  /** Mails of one thread are shown together. */
  readonly thread?: string | null
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Hands a mail to the server. One that it takes for some of the receivers is delivered. */
export type Mailer = (mail: Mail, options: { readonly signal: AbortSignal }) => Promise<Delivery>

export interface MailerOptions {
  readonly host: string
  readonly port: number
  readonly tls: 'starttls' | 'implicit' | 'off'
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly from: string
  /** Whom the mail is shown to be from (default `Holdfast`). */
  readonly fromName?: string
  readonly reach: Reach
}

/** One bare address: no list, no comment, nothing that could be a header. */
const ADDRESS = /^[^\s<>()[\]\\,;:"@\p{Cc}\p{Cf}]{1,64}@[\p{L}\p{N}.-]{1,253}$/u
const MOST_SUBJECT = 200
/** A server that sends this much as one answer is none. */
const MOST_ANSWER_BYTES = 16_384

/** SMTP by nodemailer: its connection is one within the reach, its content is only text. */
export function smtpMailer(options: MailerOptions): Mailer {
  const { host, port, tls, user, password, from, fromName = 'Holdfast', reach } = options
  const domain = from.slice(from.lastIndexOf('@') + 1)

  return async ({ id, thread, to, subject, text, html }, { signal }) => {
    if (to.length === 0 || !to.every((one) => ADDRESS.test(one))) {
      return { dead: 'What it should go to is no mail address.' }
    }
    let connection: Awaited<ReturnType<typeof connectWithin>>
    try {
      connection = await connectWithin(reach, { host, port, signal })
    } catch (error) {
      const few = isRefusal(error) ? { mostTries: FEW_TRIES } : {}
      return { problem: connectionProblem(error), ...few }
    }
    const transport = createTransport({
      host,
      port,
      secure: tls === 'implicit',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'off',
      maxResponseSize: MOST_ANSWER_BYTES,
      disableFileAccess: true,
      disableUrlAccess: true,
      getSocket: (_, done) => done(null, { connection }),
      ...(reach.ca === undefined ? {} : { tls: { ca: reach.ca } }),
      ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    })
    try {
      await transport.sendMail({
        from: { name: headerText(fromName), address: from },
        to: to.map((address) => ({ name: '', address })),
        subject: headerText(subject),
        text,
        html,
        messageId: `<${id}@${domain}>`,
        ...(thread == null ? {} : { references: `<${inert(thread, 64)}@${domain}>` }),
        headers: { 'Auto-Submitted': 'auto-generated' },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal,
      })
      return 'delivered'
    } catch (error) {
      return problemOf(error)
    } finally {
      connection.destroy()
    }
  }
}

/** RFC 2047: what looks like an encoded word would be decoded, to a line break for example. */
function headerText(text: string): string {
  return inert(text, MOST_SUBJECT).replaceAll('=?', '= ?')
}

/** RFC 5321, section 4.2.1: 5yz is permanent. The server's words are not repeated. */
function problemOf(error: unknown): Delivery {
  if (error instanceof Error && 'responseCode' in error) {
    const { responseCode } = error
    if (typeof responseCode === 'number') {
      const problem = `The mail server answered ${responseCode}.`
      return responseCode >= 500 ? { problem, mostTries: FEW_TRIES } : { problem }
    }
  }
  return { problem: connectionProblem(error) }
}
