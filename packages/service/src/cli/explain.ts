import type { SessionDetail } from 'holdfast'
import { type Command, EXIT, instant, printable, table } from 'holdfast/cli'
import type { EventAtCursor } from 'holdfast/wire'
import { REMOTE_OPTIONS, type Remote, remoteOf } from './remote.ts'
import { queryEvents } from './remote-events.ts'
import { factsOf } from './sessions.ts'

const SHOWN = 20
const MAX_PAGES = 50

/** Why a session is treated as it is. */
export const explainCommands: readonly Command[] = [
  {
    name: 'explain',
    about: 'Say why a session is treated as it is',
    usage: '<session id>',
    details:
      `Shows the session's contexts with the evidence against each, and its last ${SHOWN} ` +
      'events with the reasons of\n' +
      'each decision, in decibans: +10 is ten times likelier if somebody else holds the ' +
      'session. A session that is over\n' +
      'still has its events. Needs a key with the roles admin and audit.',
    options: REMOTE_OPTIONS,
    arguments: [1, 1],
    examples: ['holdfast explain UG9…', 'holdfast explain UG9… --json'],
    async run(asked) {
      const [id = ''] = asked.arguments
      const remote = remoteOf(asked)
      const session = await remote.sessions.show(id)
      const events = await eventsOf(remote, id)
      const shown = events.slice(-SHOWN)
      asked.out.line(
        session === undefined ? 'The session is over, or never was.' : describe(session),
      )
      asked.out.line('')
      asked.out.line(shown.length === 0 ? 'No events are kept of it.' : recounted(shown))
      asked.out.value({ session: session ?? null, events: shown })
      return session === undefined && events.length === 0 ? EXIT.failed : EXIT.done
    },
  },
]

/**
 * What the log still has of one session, oldest first; only the newest pages when there are very
 * many.
 */
async function eventsOf(remote: Remote, session: string): Promise<readonly EventAtCursor[]> {
  let events: readonly EventAtCursor[] = []
  let after: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await queryEvents(remote, { session, after, limit: '1000' })
    events = [...events, ...answer.items].slice(-SHOWN)
    if (!answer.more || answer.cursor === undefined) break
    after = answer.cursor
  }
  return events
}

function describe(session: SessionDetail): string {
  const rows = session.contexts.map(({ network, device, state, evidenceNow, lastSeen, visits }) => [
    state,
    `${evidenceNow} dB`,
    [device.family, device.os].join(' on '),
    networkText(network),
    String(visits),
    instant(lastSeen),
  ])
  const contexts = table(['STATE', 'EVIDENCE', 'DEVICE', 'NETWORK', 'VISITS', 'LAST SEEN'], rows)
  const because = session.contexts.flatMap(({ device, because, state }) => {
    const evidence = because.map(({ reason, weight }) => `${reason} ${signed(weight)}`).join(', ')
    return evidence === '' ? [] : [`${device.family} on ${device.os} (${state}): ${evidence}`]
  })
  return [factsOf(session), '', contexts, ...(because.length === 0 ? [] : ['', ...because])].join(
    '\n',
  )
}

function recounted(events: readonly EventAtCursor[]): string {
  const rows = events.map(({ at, type, decision, reason, network, device }) => [
    instant(at),
    type,
    decision === null ? '' : `${decision.outcome} ${signed(decision.score)}`,
    reason ?? '',
    device === null ? '' : `${device.family} on ${device.os}`,
    network === null ? '' : networkText(network),
  ])
  const head = ['WHEN', 'WHAT', 'DECISION', 'REASON', 'DEVICE', 'NETWORK']
  return [table(head, rows), ...events.flatMap(sentences)].join('\n')
}

function sentences({ at, type, decision }: EventAtCursor): readonly string[] {
  if (decision === null || decision.because.length === 0) return []
  const reasons = decision.because.map(
    ({ group, reason, weight, text }) =>
      `  ${signed(weight).padStart(4)}  ${group} ${reason}: ${printable(text)}`,
  )
  return [
    '',
    `${instant(at)} ${type}: ${decision.outcome}, ${signed(decision.score)} dB`,
    ...reasons,
  ]
}

function networkText(network: {
  readonly asn: number | null
  readonly organisation: string | null
  readonly country: string | null
  readonly city: string | null
}): string {
  const { asn, organisation, country, city } = network
  const place = [city, country].filter((part) => part !== null).join(', ')
  const owner = organisation ?? (asn === null ? '' : `AS${asn}`)
  return [place, owner].filter((part) => part !== '').join('; ') || 'unknown'
}

function signed(weight: number): string {
  return weight > 0 ? `+${weight}` : String(weight)
}
