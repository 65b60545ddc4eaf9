import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { followRules } from '../../../src/audit/findings/follow-rules.ts'
import type { Rule } from '../../../src/audit/findings/rule.ts'
import { readRules } from '../../../src/audit/findings/rules-file.ts'
import { holdfast } from '../../cli/holdfast.ts'
import { folder } from '../../support.ts'

const GOOD = `rules:
  - name: limited
    title: Session {session} may only read
    text: From {country}
    severity: high
    match: { type: session-limited }
    window: 1h
    examples:
      - about: a limit
        fires: true
        events: [{ type: session-limited, session: s1 }]
`

/** A rule with one line in place of another, or more lines. */
function changed(from: string, to: string): string {
  expect(GOOD).toContain(from)
  return GOOD.replace(from, to)
}

describe('a file of rules', () => {
  test('is read with its defaults', () => {
    const read = readRules(GOOD)

    expect(read).toMatchObject({
      ok: true,
      rules: [{ name: 'limited', threshold: 1, window: 3_600_000, once: 3_600_000, shadow: false }],
    })
  })

  test.each<[string, string, { field: string; line: number; problem: string }]>([
    [
      'a field that events do not have',
      changed('type: session-limited }\n', 'kine: x }\n'),
      { field: 'rules.0.match.0.kine', line: 6, problem: 'is no field of an event' },
    ],
    [
      'a name that nothing has',
      changed('window: 1h', 'window: 1h\n    treshold: 3'),
      { field: 'rules.0.treshold', line: 8, problem: 'is not known here' },
    ],
    [
      'a window that is no duration',
      changed('window: 1h', 'window: soon'),
      { field: 'rules.0.window', line: 7, problem: 'is not a duration' },
    ],
    [
      'a window of a year',
      changed('window: 1h', 'window: 365d'),
      { field: 'rules.0.window', line: 7, problem: 'must be 1s to 7d' },
    ],
    [
      'a severity of its own',
      changed('severity: high', 'severity: worst'),
      {
        field: 'rules.0.severity',
        line: 5,
        problem: 'must be one of low, medium, high, critical',
      },
    ],
    [
      'a condition of no form',
      changed('type: session-limited }\n', 'type: { like: x } }\n'),
      {
        field: 'rules.0.match.0.type',
        line: 6,
        problem: 'must be a value, a list of values, or one of not, prefix, atLeast and atMost',
      },
    ],
    [
      'a threshold beside distinct',
      changed(
        'window: 1h',
        'window: 1h\n    groupBy: [session, country]\n    threshold: 3\n' +
          '    distinct: { field: asn, atLeast: 3 }',
      ),
      { field: 'rules.0.threshold', line: 9, problem: 'is not for a rule with distinct' },
    ],
    [
      'a text that names what many events may differ in',
      changed('window: 1h', 'window: 1h\n    threshold: 3\n    groupBy: [session]'),
      {
        field: 'rules.0.text',
        line: 4,
        problem:
          'names {country}, which is not one of groupBy: the events that are counted may differ ' +
          'in it',
      },
    ],
    [
      'a text that names no field',
      changed('{country}', '{land}'),
      { field: 'rules.0.text', line: 4, problem: 'names {land}, which is no field' },
    ],
    [
      'an example with an unknown field',
      changed('session: s1', 'sesion: s1'),
      { field: 'rules.0.examples.0.events.0.sesion', line: 11, problem: 'is not known here' },
    ],
    ['no YAML', 'rules: [', { field: '', line: 1, problem: 'is not YAML' }],
    ['the same name twice', 'rules: []\nrules: []', { field: '', line: 2, problem: 'is not YAML' }],
    [
      'anchors in one another',
      'a: &a [x, x]\nb: &b [*a, *a]\nrules: [*b, *b]',
      { field: '', line: 1, problem: 'has an anchor that is used again. Write it out' },
    ],
    ['nothing', '', { field: '', line: 1, problem: 'must be an object' }],
    ['no rule', 'rules: []', { field: 'rules', line: 1, problem: 'must have at least 1 entry' }],
    [
      'two megabytes',
      `# ${'x'.repeat(2_097_152)}`,
      { field: '', line: 1, problem: 'is larger than 1 MiB' },
    ],
  ])('with %s is refused, with field and line', (_, text, problem) => {
    expect(readRules(text)).toEqual({ ok: false, problems: [problem] })
  })

  test('with two rules of one name is refused', () => {
    const read = readRules(`${GOOD}${GOOD.replace('rules:\n', '')}`)

    expect(read).toMatchObject({
      problems: [{ field: 'rules.1.name', line: 12, problem: 'is that of another rule: limited' }],
    })
  })
})

describe('a file that is followed', () => {
  /** Follows a file; `next` waits for what is told of it next. */
  function following(path: string) {
    const told: (readonly Rule[] | string)[] = []
    let wake = (): void => {}
    const tell = (what: readonly Rule[] | string): void => {
      told.push(what)
      wake()
    }
    const followed = followRules(path, {
      everyMs: 5,
      changed: tell,
      failed: (error) => tell(error instanceof Error ? error.message : String(error)),
    })
    onTestFinished(() => followed.close())
    async function next(): Promise<readonly Rule[] | string | undefined> {
      while (told.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return told.shift()
    }
    return { followed, told, next }
  }

  function replace(path: string, text: string): void {
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
  }

  test('is taken up when it changes; a bad one is told once and changes nothing', async () => {
    const path = join(folder(), 'rules.yaml')
    writeFileSync(path, GOOD)
    const { followed, told, next } = following(path)

    replace(path, changed('severity: high', 'severity: worst'))
    const failed = await next()
    const meanwhile = followed.current()[0]?.severity
    replace(path, changed('severity: high', 'severity: low'))
    const taken = await next()

    expect(failed).toBe(
      `${path}, line 5: rules.0.severity must be one of low, medium, high, critical.`,
    )
    expect(meanwhile).toBe('high')
    expect(taken).toMatchObject([{ severity: 'low' }])
    expect(followed.current()[0]?.severity).toBe('low')
    expect(told).toEqual([])
  })

  test('must be right from the start', () => {
    const path = join(folder(), 'rules.yaml')
    writeFileSync(path, changed('window: 1h', 'window: soon'))

    expect(() => following(path)).toThrow('line 7: rules.0.window is not a duration.')
    expect(() => following(`${path}.none`)).toThrow('cannot be read')
  })
})

describe('holdfast rules', () => {
  function fileOf(name: string, text: string): string {
    const path = join(folder(), name)
    writeFileSync(path, text)
    return path
  }

  test('list shows those that come with Holdfast, or those of a file', async () => {
    const ours = await holdfast('rules list')
    const own = await holdfast(`rules list ${fileOf('rules.yaml', GOOD)} --json`)

    expect(ours).toMatchObject({ code: 0, out: expect.stringMatching(/^two_holders +critical/m) })
    expect(JSON.parse(own.out)).toMatchObject([{ name: 'limited' }])
  })

  test('test runs the examples, and says which are not as they should be', async () => {
    const ours = await holdfast('rules test')
    const wrong = await holdfast(
      `rules test ${fileOf('rules.yaml', changed('fires: true', 'fires: false'))}`,
    )

    expect(ours).toMatchObject({ code: 0, out: expect.stringContaining('examples as they should') })
    expect(wrong.code).toBe(1)
    expect(wrong.out).toBe(
      'limited: fires at: a limit\n1 rules, 0 of 1 examples as they should be.\n',
    )
  })

  test('test --events shows what would have been found, of either form of a line', async () => {
    const event = { id: 'e1', type: 'session-limited', at: 1_767_571_200_000, actor: 'client' }
    const lines = [
      { ...event, session: 's\u001b1', network: null, decision: { outcome: 'limit', score: 60 } },
      {
        index: 7,
        partition: 1,
        sequence: 2,
        event: { ...event, id: 'e2', at: event.at + 7_200_000 },
      },
      { ...event, id: 'e3', type: 'of-the-future' },
    ]
    const events = fileOf('events.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const rules = fileOf('rules.yaml', changed('window: 1h', 'window: 1h\n    shadow: true'))

    const shown = await holdfast(`rules test ${rules} --events ${events}`)
    const json = await holdfast(`rules test ${rules} --events ${events} --json`)

    expect(shown.code).toBe(0)
    expect(shown.out).toBe(
      '2026-01-05 00:00:00Z  high      limited  (shadow)  Session s·1 may only read\n' +
        '2026-01-05 02:00:00Z  high      limited  (shadow)  Session unknown may only read\n' +
        '3 events, 2 findings.\n',
    )
    const findings = json.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(findings).toMatchObject([{ shadow: true, events: ['e1'] }, { events: ['e2'] }])
  })

  test('test --events names the line that is no event', async () => {
    const events = fileOf('events.jsonl', '\n{"id":"e1"}\n')

    const { code, err } = await holdfast(`rules test --events ${events}`)

    expect(code).toBe(1)
    expect(err).toContain('line 2 is not an event')
  })
})
