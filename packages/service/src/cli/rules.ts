import { type Asked, type Command, EXIT, instant, printable, table } from 'holdfast/cli'
import { formatDuration } from 'holdfast/wire'
import { ruleSet } from '../audit/findings/evaluate.ts'
import type { Rule } from '../audit/findings/rule.ts'
import { DEFAULT_RULES, rulesIn } from '../audit/findings/rules-file.ts'
import { firstSeenHere, runExamples } from '../audit/findings/run-examples.ts'
import { auditedEvents } from './audited-events.ts'

/** The rules that look for what nobody may miss. */
export const rulesCommands: readonly Command[] = [
  {
    name: 'rules list',
    about: 'List the rules that events are held against',
    usage: '[FILE]',
    details: 'Those of FILE, or those that come with Holdfast.',
    options: {},
    arguments: [0, 1],
    examples: ['holdfast rules list', 'holdfast rules list /etc/holdfast/rules.yaml --json'],
    async run(asked) {
      const rules = rulesOf(asked)
      asked.out.line(table(HEAD, rules.map(rowOf)))
      asked.out.value(rules)
      return EXIT.done
    },
  },
  {
    name: 'rules test',
    about: 'Run the examples of rules, or the rules over recorded events',
    usage: '[FILE]',
    details:
      'The rules of FILE, or those that come with Holdfast. With --events it shows what they ' +
      'would have found, those in\n' +
      'shadow included, in EVENTS: one JSON object a line, as "holdfast events --json" and the ' +
      'audit log have them, or\n' +
      'standard input (-). Events without the personal part have no network, address or name.',
    options: {
      events: { type: 'string', value: 'EVENTS', about: 'File of recorded events' },
    },
    arguments: [0, 1],
    examples: [
      'holdfast rules test rules.yaml',
      'holdfast rules test rules.yaml --events audit.jsonl --json',
    ],
    async run(asked) {
      const rules = rulesOf(asked)
      const events = asked.text('events')
      return events === undefined ? runOverExamples(asked, rules) : runOver(asked, rules, events)
    },
  },
]

function rulesOf({ arguments: [file = DEFAULT_RULES] }: Asked): readonly Rule[] {
  return rulesIn(file)
}

const HEAD = ['RULE', 'SEVERITY', 'COUNTS', 'BY', 'ONCE IN', 'EXAMPLES']

function rowOf(rule: Rule): readonly string[] {
  const { name, severity, shadow, groupBy, once, examples } = rule
  return [
    name,
    shadow ? `${severity} (shadow)` : severity,
    countsOf(rule),
    groupBy.join(', ') || '-',
    formatDuration(once),
    String(examples.length),
  ]
}

function countsOf({ threshold, distinct, above, window }: Rule): string {
  const within = `in ${formatDuration(window)}`
  if (distinct !== null) return `${distinct.atLeast} different ${distinct.field} ${within}`
  if (above !== null) return `${threshold} ${within}, ${above.times} times the usual`
  return threshold === 1 ? 'each event' : `${threshold} ${within}`
}

function runOverExamples({ out }: Asked, rules: readonly Rule[]): number {
  const results = runExamples(rules)
  const wrong = results.filter(({ expected, fired }) => expected !== fired)
  const without = rules.filter(({ examples }) => examples.length === 0)
  for (const { rule, about, fired } of wrong) {
    out.line(printable(`${rule}: ${fired ? 'fires' : 'does not fire'} at: ${about}`))
  }
  for (const { name } of without) out.line(`${name}: has no example`)
  const count = `${results.length - wrong.length} of ${results.length} examples`
  out.line(`${rules.length} rules, ${count} as they should be.`)
  out.value({ rules: rules.length, examples: results })
  return wrong.length === 0 ? EXIT.done : EXIT.failed
}

async function runOver({ out }: Asked, rules: readonly Rule[], file: string): Promise<number> {
  const { newState, observe } = ruleSet(rules, { firstSeen: firstSeenHere() })
  const state = newState()
  let events = 0
  let found = 0
  for await (const fields of auditedEvents(file)) {
    events++
    const { findings, shadowed } = observe(fields, state)
    for (const [all, shadow] of [[findings, false] as const, [shadowed, true] as const]) {
      for (const finding of all) {
        found++
        const { at, severity, rule, title } = finding
        const mark = shadow ? '  (shadow)' : ''
        out.line(printable(`${instant(at)}  ${severity.padEnd(8)}  ${rule}${mark}  ${title}`))
        out.value({ ...finding, shadow })
      }
    }
  }
  out.line(`${events} events, ${found} findings.`)
  return EXIT.done
}
