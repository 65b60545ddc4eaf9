import { type Asked, type Command, EXIT, instant, printable, table, UsageError } from 'holdfast/cli'
import { checker, type TypeOf } from 'holdfast/wire'
import { asDescribed } from '../api/call.ts'
import { incidentDetail, incidentPage } from '../api/incident-bodies.ts'
import type { IncidentSummary, JudgedState } from '../audit/findings/incident.ts'
import { REMOTE_OPTIONS, remoteOf } from './remote.ts'
import { askService } from './remote-ask.ts'

/** What the rules have found, over the API. */
export const incidentsCommands: readonly Command[] = [
  {
    name: 'incidents list',
    about: 'List what the rules have found, newest first',
    usage: '',
    details: 'Needs a key with the role audit.',
    options: {
      state: {
        type: 'string',
        value: 'STATE',
        about: 'open, acknowledged, resolved or false_alarm (default: all)',
      },
      severity: {
        type: 'string',
        value: 'SEVERITY',
        about: 'low, medium, high or critical, or worse (default: all)',
      },
      subject: { type: 'string', value: 'NAME', about: 'Of one subject' },
      tenant: { type: 'string', value: 'NAME', about: 'Tenant of the subject (default "default")' },
      session: { type: 'string', value: 'ID', about: 'Of one session' },
      limit: { type: 'string', value: 'N', about: 'At most so many, 1 to 200 (default 50)' },
      after: { type: 'string', value: 'CURSOR', about: 'Go on after an earlier page' },
      ...REMOTE_OPTIONS,
    },
    arguments: [0, 0],
    examples: ['holdfast incidents list --state open', 'holdfast incidents list --severity high'],
    async run(asked) {
      const names = ['state', 'severity', 'subject', 'tenant', 'session', 'limit', 'after']
      const query = Object.fromEntries(names.map((name) => [name, asked.text(name)]))
      const response = await askService(remoteOf(asked), '/v1/incidents', { query })
      const page = asDescribed(PAGE, 'answer', await response.json())
      asked.out.line(page.items.length === 0 ? 'No incidents.' : table(HEAD, page.items.map(rowOf)))
      if (page.next !== undefined) asked.out.line(`More: --after=${printable(page.next)}`)
      asked.out.value(page)
      return EXIT.done
    },
  },
  {
    name: 'incidents show',
    about: 'Show an incident with its findings and what became of it',
    usage: '<incident id>',
    details: 'Needs a key with the role audit.',
    options: REMOTE_OPTIONS,
    arguments: [1, 1],
    examples: ['holdfast incidents show 4RqZ…'],
    async run(asked) {
      const response = await askService(remoteOf(asked), pathOf(asked))
      const incident = asDescribed(INCIDENT, 'answer', await response.json())
      asked.out.line(describe(incident))
      asked.out.value(incident)
      return EXIT.done
    },
  },
  judging('ack', 'acknowledged', 'Say that somebody looks after an incident'),
  judging('resolve', 'resolved', 'Say that an incident is over'),
  judging(
    'false-alarm',
    'false_alarm',
    'Say that an incident was none; its sessions are reported as false alarms, too',
  ),
]

function judging(verb: string, state: JudgedState, about: string): Command {
  return {
    name: `incidents ${verb}`,
    about,
    usage: '<incident id>',
    details: 'Needs a key with the role admin.',
    options: {
      note: { type: 'string', value: 'TEXT', about: 'For the time line of the incident' },
      ...REMOTE_OPTIONS,
    },
    arguments: [1, 1],
    examples: [`holdfast incidents ${verb} 4RqZ… --note "Asked the subject"`],
    async run(asked) {
      const note = asked.text('note')
      const body = { state, ...(note === undefined ? {} : { note }) }
      await askService(remoteOf(asked), pathOf(asked), { body })
      const [id = ''] = asked.arguments
      asked.out.line(`Incident ${id} is ${STATES[state]}.`)
      asked.out.value({ incident: id, state })
      return EXIT.done
    },
  }
}

const STATES: Readonly<Record<JudgedState, string>> = {
  acknowledged: 'acknowledged',
  resolved: 'resolved',
  false_alarm: 'a false alarm',
}

function pathOf({ arguments: [id = ''] }: Asked): string {
  if (!/^[\w-]{1,64}$/.test(id)) throw new UsageError('That is no id of an incident.')
  return `/v1/incidents/${id}`
}

const PAGE = checker(incidentPage, 'answer')
const INCIDENT = checker(incidentDetail, 'answer')

const HEAD = ['INCIDENT', 'OPENED', 'SEVERITY', 'STATE', 'FINDINGS', 'TITLE']

function rowOf({ id, openedAt, severity, state, count, title }: IncidentSummary): string[] {
  return [id, instant(openedAt), severity, state, String(count), title]
}

function describe(incident: TypeOf<typeof incidentDetail>): string {
  const { id, title, severity, state, subject, session, network, follows } = incident
  const facts = [
    ['title', title],
    ['severity', severity],
    ['state', state],
    ['opened', instant(incident.openedAt)],
    ['last finding', instant(incident.updatedAt)],
    ['subject', subject ?? '-'],
    ['session', session ?? '-'],
    ['network', network ?? '-'],
    ...(follows === null ? [] : [['follows', follows]]),
  ]
  const findings = incident.findings.map(({ at, rule, count, text }) => {
    const counted = `${count} ${count === 1 ? 'event' : 'events'}`
    return `${printable(`${instant(at)}  ${rule}  ${counted}`)}\n  ${printable(text)}`
  })
  const changes = incident.changes.map(({ at, by, state: to, note }) =>
    printable(`${instant(at)}  ${to} by ${by}${note === null ? '' : `: ${note}`}`),
  )
  return [table(['incident', id], facts), '', ...findings, ...changes].join('\n')
}
