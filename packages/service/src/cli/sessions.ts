import { type SessionDetail, SessionError } from 'holdfast'
import { type Command, EXIT, instant, table, UsageError } from 'holdfast/cli'
import { REMOTE_OPTIONS, remoteOf } from './remote.ts'

/** Commands about single sessions, over the API. */
export const sessionsCommands: readonly Command[] = [
  {
    name: 'sessions list',
    about: 'List the live sessions of a subject, oldest first',
    usage: '<subject>',
    options: {
      tenant: { type: 'string', value: 'NAME', about: 'Tenant of the subject (default "default")' },
      limit: { type: 'string', value: 'N', about: 'At most so many, 1 to 200 (default 50)' },
      after: { type: 'string', value: 'CURSOR', about: 'Go on after an earlier page' },
      ...REMOTE_OPTIONS,
    },
    arguments: [1, 1],
    examples: ['holdfast sessions list alice', 'holdfast sessions list alice --tenant acme --json'],
    async run(asked) {
      const [subject = ''] = asked.arguments
      const tenant = asked.text('tenant')
      const after = asked.text('after')
      const page = await remoteOf(asked).sessions.list(
        { subject, ...(tenant === undefined ? {} : { tenant }) },
        { limit: limitOf(asked.text('limit') ?? '50'), ...(after === undefined ? {} : { after }) },
      )
      asked.out.line(
        page.items.length === 0 ? 'No live sessions.' : table(HEAD, page.items.map(rowOf)),
      )
      if (page.next !== undefined) asked.out.line(`More: --after=${page.next}`)
      asked.out.value(page)
      return EXIT.done
    },
  },
  {
    name: 'sessions show',
    about: 'Show one live session',
    usage: '<session id>',
    options: REMOTE_OPTIONS,
    arguments: [1, 1],
    examples: ['holdfast sessions show UG9…'],
    async run(asked) {
      const [id = ''] = asked.arguments
      const session = await remoteOf(asked).sessions.show(id)
      if (session === undefined) throw noSuchSession()
      asked.out.line(factsOf(session))
      asked.out.value(session)
      return EXIT.done
    },
  },
  {
    name: 'sessions revoke',
    about: 'End one session',
    usage: '<session id>',
    options: {
      reason: {
        type: 'string',
        value: 'CODE',
        about: 'Reason for the event log (default "administrator")',
      },
      ...REMOTE_OPTIONS,
    },
    arguments: [1, 1],
    examples: ['holdfast sessions revoke UG9… --reason stolen_laptop'],
    async run(asked) {
      const [id = ''] = asked.arguments
      await remoteOf(asked).sessions.revoke(id, { reason: asked.text('reason') ?? 'administrator' })
      asked.out.line(`Session ${id} is over.`)
      asked.out.value({ session: id, revoked: true })
      return EXIT.done
    },
  },
]

const HEAD = ['SESSION', 'CLASS', 'SINCE', 'LAST SEEN', 'CONTEXTS', 'STATE']

function rowOf({
  id,
  class: name,
  createdAt,
  lastActivity,
  contexts,
  forked,
}: SessionDetail): string[] {
  const challenged = contexts.filter(({ state }) => state === 'challenged').length
  const state = forked ? 'forked' : challenged > 0 ? `${challenged} challenged` : 'quiet'
  return [id, name, instant(createdAt), instant(lastActivity), String(contexts.length), state]
}

/** What there is to know of a session, a line each. */
export function factsOf(session: SessionDetail): string {
  return table(
    ['session', session.id],
    [
      ['subject', `${session.subject} (tenant ${session.tenant})`],
      ['class', session.class],
      ['since', instant(session.createdAt)],
      ['last seen', instant(session.lastActivity)],
      ['ends', instant(session.expiresAt)],
      [
        'authenticated',
        `${instant(session.authenticatedAt)} ${session.acr ?? 'no acr'} ${session.amr.join('+')}`,
      ],
      ['forked', session.forked ? 'yes: two holders of one secret' : 'no'],
    ],
  )
}

function noSuchSession(): SessionError {
  return new SessionError('not_found', 'There is no such live session.')
}

function limitOf(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text)
  throw new UsageError('--limit must be a whole number.')
}
