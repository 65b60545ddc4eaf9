import {
  EVENT_TYPES,
  EVENTS,
  type EventDescription,
  type EventType,
  OTHER_REASONS,
  type VaryingField,
} from 'holdfast/maintenance'
import { type Kind, meaningOfType } from './formats/meaning.ts'

/** The types of events, for the documentation. `examples`: an event of each type. */
export function eventReference(examples: Readonly<Record<string, unknown>>): string {
  return [
    '## In one table',
    LEGEND,
    table(
      ['type', 'version', 'kept', ...COLUMNS],
      EVENT_TYPES.map((type) => rowOf(type, EVENTS[type])),
    ),
    '## In outputs',
    table(
      ['type', 'what it is called', 'kind', 'severity at least', 'OCSF'],
      [...EVENT_TYPES, 'finding'].map((type) => {
        const { kind, severity, title } = meaningOfType(type)
        return [nameOf(type), title, kind, severity, OCSF[kind]]
      }),
    ),
    ...EVENT_TYPES.map((type) => section(type, EVENTS[type], examples[type])),
  ].join('\n\n')
}

const LEGEND =
  'x: always there. Empty: always null (`authentication`: absent). `id`, `type`, `at` and ' +
  '`actor` are always there,\n`correlation` is there or null, `trace` is there or absent. Kept ' +
  '(`some`: by reason) is what is committed to the log of the store; the rest is\ntold to ' +
  '`onEvent` and the log of the process, and kept as far as ' +
  '[`eventSampling`](events.md#events-that-come-with-no-change)\nasks for it, perhaps with ' +
  '`more`. `policy-changed` may have a `policy`.'

const MEND = 'npx vitest run packages/service/test/audit/event-schemas.test.ts -u'

const COLUMNS: readonly VaryingField[] = [
  'subject',
  'session',
  'network',
  'device',
  'decision',
  'situation',
  'authentication',
  'reason',
]

const OCSF: Readonly<Record<Kind, string>> = {
  login: 'Authentication (3002)',
  logout: 'Authentication (3002)',
  session: 'Authentication (3002)',
  detection: 'Detection Finding (2004)',
  cleared: 'Detection Finding (2004)',
  account: 'Account Change (3001)',
  system: 'Account Change (3001)',
}

const MARKS = { always: 'x', sometimes: 'or null', never: '' } as const

function rowOf(type: EventType, one: EventDescription): readonly string[] {
  const { version, has } = one
  return [
    `[${nameOf(type)}](#${type})`,
    String(version),
    keptIn(one),
    ...COLUMNS.map((field) =>
      field === 'authentication' && has[field] === 'sometimes' ? 'or absent' : MARKS[has[field]],
    ),
  ]
}

/** Whether it is committed, which may depend on the reason. */
export function keptIn({ kept, reasons }: EventDescription): string {
  const differs = Object.values(reasons).some((reason) => (reason.kept ?? kept) !== kept)
  if (differs) return kept ? 'most' : 'some'
  return kept ? 'yes' : 'told'
}

function section(type: EventType, one: EventDescription, example: unknown): string {
  if (example === undefined) throw new TypeError(`There is no example of ${type}: ${MEND}`)
  return [
    `## ${type}`,
    `${one.when} ${sentence(deliveryOf(one))}`,
    ...reasonsOf(one),
    `\`\`\`json\n${indented(example)}\n\`\`\``,
  ].join('\n\n')
}

function deliveryOf({ kept, bound }: Pick<EventDescription, 'kept' | 'bound'>): string {
  const where = kept ? 'kept' : 'told, and not kept'
  return bound === undefined ? where : `${where}: ${bound}`
}

function reasonsOf(one: EventDescription): readonly string[] {
  const { reasons, otherReasons, noReason } = one
  const rest = Object.keys(reasons).length === 0 ? 'any' : 'any other'
  const rows = [
    ...Object.entries(reasons).map(([reason, { text, ...differs }]) => [
      nameOf(reason),
      Object.keys(differs).length === 0 ? text : `${text} (${deliveryOf({ ...one, ...differs })})`,
    ]),
    ...(otherReasons === undefined ? [] : [[rest, OTHER_REASONS[otherReasons].text]]),
    ...(noReason === undefined ? [] : [['null', noReason]]),
  ]
  return rows.length === 0 ? [] : [table(['reason', 'what it says'], rows)]
}

function nameOf(word: string): string {
  return `\`${word}\``
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

const MOST_COLUMNS = 110

/** JSON with each object and list on one line, where it fits. */
function indented(value: unknown, indent = ''): string {
  const line = JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ')
  if (typeof value !== 'object' || value === null) return line
  const top = indent === ''
  if (!top && indent.length + line.length < MOST_COLUMNS) return line
  const inner = `${indent}  `
  const isList = Array.isArray(value)
  const parts = Object.entries(value).map(([name, one]) => {
    const text = indented(one, inner)
    return `${inner}${isList ? '' : `${JSON.stringify(name)}: `}${text}`
  })
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  return `${open}\n${parts.join(',\n')}\n${indent}${close}`
}

/** A table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
