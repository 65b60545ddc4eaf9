import { readFileSync } from 'node:fs'
import { PRESETS, SessionError, thresholdPolicy } from 'holdfast'
import { type Command, EXIT, table, UsageError } from 'holdfast/cli'
import { parse as parseYaml } from 'yaml'
import { type PolicyChoice, policyChoice, thresholdsOf } from '../config/policy.ts'
import { sentenceOf } from '../issues.ts'
import { type Replay, replayOf } from '../report/replay.ts'
import { recordedEvents, SOURCE_DETAILS, SOURCE_OPTIONS } from './event-source.ts'
import { outcomeTable } from './outcome-table.ts'

/** What a policy would have done. */
export const policyCommands: readonly Command[] = [
  {
    name: 'policy replay',
    about: 'Send recorded decisions through another policy and show what would differ',
    usage: '--policy POLICY [FILE]',
    details:
      `${SOURCE_DETAILS}\n` +
      'POLICY is lenient, balanced or strict; thresholds, observe=12,challenge=24,limit=50; ' +
      'what these follow from,\n' +
      'hijacks=0.0001,missCost=5000; or a file that holds one, such as a configuration.',
    options: {
      policy: { type: 'string', value: 'POLICY', about: 'The policy to try' },
      ...SOURCE_OPTIONS,
    },
    arguments: [0, 1],
    examples: [
      'holdfast policy replay --policy strict',
      'holdfast policy replay --policy observe=10,challenge=20,limit=40 events.jsonl --json',
    ],
    async run(asked) {
      const text = asked.text('policy')
      if (text === undefined) throw new UsageError('Name the policy to try with --policy.')
      const thresholds = thresholdsOf(policyFrom(text))
      const replay = await replayOf(recordedEvents(asked), thresholdPolicy(thresholds))
      const { observe, challenge, limit, revokeForks } = thresholds
      asked.out.line(
        `Policy: ${observe} / ${challenge} / ${limit} dB` +
          `${revokeForks ? ', forks end the session' : ''}.`,
      )
      asked.out.line(describe(replay))
      asked.out.value({ policy: thresholds, ...replay })
      return EXIT.done
    },
  },
]

function policyFrom(text: string): PolicyChoice {
  if (Object.hasOwn(PRESETS, text)) return checked(text, '--policy')
  if (text.includes('=')) return checked(pairsOf(text), '--policy')
  let read: unknown
  try {
    read = parseYaml(readFileSync(text, 'utf8'))
  } catch {
    throw new UsageError(
      '--policy must be lenient, balanced, strict, observe=..,challenge=..,limit=.., or a ' +
        'file with a policy.',
    )
  }
  return checked(inConfiguration(read) ?? read, text)
}

function inConfiguration(read: unknown): unknown {
  return typeof read === 'object' && read !== null && 'policy' in read ? read.policy : undefined
}

function pairsOf(text: string): Readonly<Record<string, unknown>> {
  const pairs = text.split(',').map((pair) => pair.split('='))
  return Object.fromEntries(pairs.map(([name = '', value = '']) => [name.trim(), parseYaml(value)]))
}

function checked(value: unknown, where: string): PolicyChoice {
  const read = policyChoice.safeParse(value)
  if (read.success) return read.data
  const lines = read.error.issues.map((issue) => {
    const field = issue.code === 'unrecognized_keys' ? issue.keys : issue.path
    const wrong = issue.code === 'unrecognized_keys' ? 'is not of a policy' : sentenceOf(issue)
    return `${[where, ...field.map(String)].join(' ')} ${wrong}.`
  })
  throw new SessionError('config_invalid', lines.join('\n'))
}

function describe(replay: Replay): string {
  const { replayed, stricter, milder, subjects, reasons, left } = replay
  const lines = [
    `${replayed} decisions replayed: ${stricter} would be stricter, ${milder} milder.`,
    `Subjects asked for a step-up more often: ${subjects.more}, less often: ` +
      `${subjects.fewer}, as before: ${subjects.same}.`,
  ]
  if (replay.pairs.length > 0) lines.push('', outcomeTable(replay.pairs, 'THEN', 'NOW'))
  if (reasons.length > 0) {
    const rows = reasons.map((row) => [row.reason, String(row.stricter), String(row.milder)])
    lines.push('', table(['REASON WHERE IT DIFFERS', 'STRICTER', 'MILDER'], rows))
  }
  return [...lines, '', ...unreplayed(left)].join('\n')
}

function unreplayed({ logins, withoutSituation }: Replay['left']): readonly string[] {
  return [
    `Not replayed: ${logins} logins, where more than the policy decides; ${withoutSituation} ` +
      'decisions without their situation;',
    'requests in which nothing was new, which leave no event; what would have come of another ' +
      'decision: each is taken by itself.',
  ]
}
