import { type Asked, type Command, EXIT, instant, printable } from 'holdfast/cli'
import type { EventAtCursor } from 'holdfast/wire'
import { REMOTE_OPTIONS, remoteOf } from './remote.ts'
import { followEvents, queryEvents } from './remote-events.ts'

/** The event log, over the API. */
export const eventCommands: readonly Command[] = [
  {
    name: 'events',
    about: 'Show the event log, or follow it',
    usage: '',
    details:
      'Oldest first. With --follow it shows what happens from now on (or from --after), ' +
      'across broken connections,\n' +
      'until it is interrupted. With --json every event is one line. Needs a key with the ' +
      'role audit.',
    options: {
      follow: { type: 'boolean', short: 'f', about: 'Go on with what happens' },
      session: { type: 'string', value: 'ID', about: 'Of one session' },
      subject: { type: 'string', value: 'NAME', about: 'Of one subject' },
      tenant: { type: 'string', value: 'NAME', about: 'Tenant of the subject (default "default")' },
      type: { type: 'string', value: 'TYPE', about: 'Of one type, for example session-revoked' },
      after: { type: 'string', value: 'CURSOR', about: 'After this position' },
      limit: { type: 'string', value: 'N', about: 'At most so many, 1 to 1000 (default 100)' },
      ...REMOTE_OPTIONS,
    },
    arguments: [0, 0],
    examples: [
      'holdfast events --type anomaly-detected',
      'holdfast events --follow --subject alice --json',
    ],
    async run(asked) {
      const remote = remoteOf(asked)
      const filter = {
        session: asked.text('session'),
        subject: asked.text('subject'),
        tenant: asked.text('tenant'),
        type: asked.text('type'),
        after: asked.text('after'),
      }
      if (asked.flag('follow')) {
        for await (const event of followEvents(remote, filter, interrupted())) show(asked, event)
        return EXIT.done
      }
      const page = await queryEvents(remote, { ...filter, limit: asked.text('limit') })
      for (const event of page.items) show(asked, event)
      if (page.more) asked.out.line(`More: --after=${page.cursor}`)
      return EXIT.done
    },
  },
]

function show({ out }: Asked, event: EventAtCursor): void {
  const { at, type, session, actor, decision, reason, network } = event
  const parts = [
    instant(at),
    type.padEnd(20),
    session ?? '-',
    decision === null ? '' : `${decision.outcome} ${decision.score} dB`,
    reason ?? '',
    network?.country ?? '',
    `by ${actor}`,
  ]
  out.line(printable(parts.filter((part) => part !== '').join('  ')))
  out.value(event)
}

/** Until somebody has had enough. */
export function interrupted(): AbortSignal {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  return stop.signal
}
