import { type Command, EXIT, instant, printable, table } from 'holdfast/cli'
import type { AlertView, DeliveryView } from '../audit/alerts/alerts.ts'
import { REMOTE_OPTIONS, remoteOf } from './remote.ts'
import { remoteAlerts } from './remote-alerts.ts'

const TARGET = {
  type: 'string',
  value: 'NAME',
  about: 'One target alone (default: all)',
} as const

/** Alerts to those who look after security, over the API. */
export const alertCommands: readonly Command[] = [
  {
    name: 'alerts list',
    about: 'List alerts and what became of them, newest first',
    usage: '',
    details: 'Needs a key with the role audit.',
    options: {
      state: {
        type: 'string',
        value: 'STATE',
        about: 'With a delivery that is pending, delivered, dead or folded (part of a digest)',
      },
      severity: {
        type: 'string',
        value: 'LEVEL',
        about: 'low, medium, high or critical, or worse',
      },
      incident: { type: 'string', value: 'ID', about: 'Of one incident' },
      limit: { type: 'string', value: 'N', about: 'At most so many, 1 to 200 (default 50)' },
      after: { type: 'string', value: 'CURSOR', about: 'Go on after an earlier page' },
      ...REMOTE_OPTIONS,
    },
    arguments: [0, 0],
    examples: ['holdfast alerts list --severity high', 'holdfast alerts list --state dead --json'],
    async run(asked) {
      const names = ['state', 'severity', 'incident', 'limit', 'after']
      const query = Object.fromEntries(names.map((name) => [name, asked.text(name)]))
      const page = await remoteAlerts.list(remoteOf(asked), query)
      asked.out.line(page.items.length === 0 ? 'No alerts.' : table(HEAD, page.items.map(rowOf)))
      if (page.next !== undefined) asked.out.line(`More: --after=${printable(page.next)}`)
      asked.out.value(page)
      return EXIT.done
    },
  },
  {
    name: 'alerts show',
    about: 'Show one alert and its deliveries',
    usage: '<alert id>',
    details: 'Needs a key with the role audit.',
    options: REMOTE_OPTIONS,
    arguments: [1, 1],
    examples: ['holdfast alerts show alert_8Jt…'],
    async run(asked) {
      const [id = ''] = asked.arguments
      const alert = await remoteAlerts.show(remoteOf(asked), id)
      asked.out.line(describe(alert))
      asked.out.value(alert)
      return EXIT.done
    },
  },
  {
    name: 'alerts test',
    about: 'Send an alert that says that it is a test',
    usage: '',
    details: 'Needs a key with the role admin. "holdfast alerts show" tells whether it arrived.',
    options: { target: TARGET, ...REMOTE_OPTIONS },
    arguments: [0, 0],
    examples: ['holdfast alerts test --target ops'],
    async run(asked) {
      const sent = await remoteAlerts.test(remoteOf(asked), asked.text('target'))
      const to =
        sent.targets.length === 0 ? 'no target: none is configured' : sent.targets.join(', ')
      asked.out.line(printable(`${sent.id} is on its way to ${to}.`))
      asked.out.value(sent)
      return EXIT.done
    },
  },
  {
    name: 'alerts replay',
    about: 'Send an alert again where it is dead or delivered',
    usage: '<alert id>',
    details: 'Needs a key with the role admin.',
    options: { target: TARGET, ...REMOTE_OPTIONS },
    arguments: [1, 1],
    examples: ['holdfast alerts replay alert_8Jt… --target ops'],
    async run(asked) {
      const [id = ''] = asked.arguments
      const done = await remoteAlerts.replay(remoteOf(asked), id, asked.text('target'))
      asked.out.line(`Deliveries that are due again: ${done.deliveries}.`)
      asked.out.value(done)
      return EXIT.done
    },
  },
]

const HEAD = ['ALERT', 'AT', 'SEVERITY', 'DELIVERIES', 'TITLE']

function rowOf({ id, at, severity, deliveries, title }: AlertView): string[] {
  const states = deliveries.map(({ target, state }) => `${target} ${state}`)
  return [id, instant(at), severity, states.length === 0 ? 'none' : states.join(', '), title]
}

function describe(alert: AlertView): string {
  const { deliveries, timeline, text } = alert
  const facts = (
    ['severity', 'incident', 'tenant', 'name', 'subject', 'session', 'network', 'link'] as const
  ).flatMap((name) => (alert[name] == null ? [] : [[name, String(alert[name])]]))
  const moments = timeline.map(({ at, title, count }) => [instant(at), title, String(count)])
  return [
    table(['alert', alert.id], [['at', instant(alert.at)], ['title', alert.title], ...facts]),
    ...(text === '' ? [] : [printable(text)]),
    ...(moments.length === 0 ? [] : [table(['FOUND', 'WHAT', 'EVENTS'], moments)]),
    deliveries.length === 0
      ? 'It goes to no target.'
      : table(['TARGET', 'STATE', 'TRIES', 'NEXT OR LAST', 'PROBLEM'], deliveries.map(deliveryRow)),
  ].join('\n\n')
}

function deliveryRow({
  target,
  state,
  attempts,
  dueAt,
  settledAt,
  problem,
}: DeliveryView): string[] {
  const at = dueAt ?? settledAt
  return [target, state, String(attempts), at === null ? '' : instant(at), problem ?? '']
}
