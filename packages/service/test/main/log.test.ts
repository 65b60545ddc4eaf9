import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SessionEvent } from 'holdfast'
import { expect, test } from 'vitest'
import { eventLogger, serviceLog } from '../../src/main/log.ts'
import { type LogOutput, linesByTurn, type Sink } from '../../src/main/log-output.ts'

test('the lines of one turn are one write, whole and in their order', async () => {
  const { lines, writes } = output()
  const log = serviceLog('info', lines)

  log.info('first')
  await Promise.resolve()
  log.warn({ token: 'hf1.secret' }, 'second')
  await nextTurn()
  log.info('third')
  await nextTurn()

  const texts = writes.map((text) => text.split('\n').filter((line) => line !== ''))
  const messages = texts.map((lines) => lines.map((line) => JSON.parse(line).msg))
  expect(messages).toEqual([['first', 'second'], ['third']])
  expect(writes.join('')).not.toContain('hf1.secret')
})

test('a line holds nothing that ends it, moves a cursor or turns text round', async () => {
  const { lines, writes } = output()
  const correlation = 'a\u0085b\u009b31mc\u2028d\u202ee\u2066f\u007fg\ng\u001b[2J'

  serviceLog('info', lines).info({ correlation }, 'asked')
  lines.flush()

  expect(JSON.parse(writes.join(''))).toMatchObject({ correlation })
  expect(writes.join('')).toMatch(/^[\x20-\x7e]+\n$/)
})

test('tokens of nobody are one line a second, with how many there were', () => {
  const { lines, writes } = output()
  let now = 0
  const log = eventLogger(serviceLog('info', lines), () => now)
  const event = (session: string | null): SessionEvent =>
    ({ type: 'token-unknown', session, at: 0, reason: 'token_malformed' }) as SessionEvent

  for (let guess = 0; guess < 500; guess++) {
    log(event(null))
    now += 1
  }
  log(event('of-a-session'))
  now = 1_000
  log(event(null))
  lines.flush()

  const told = writes.join('').trim().split('\n')
  expect(told.map((line) => JSON.parse(line)).map(({ session, more }) => [session, more])).toEqual([
    [null, 0],
    ['of-a-session', undefined],
    [null, 499],
  ])
})

test('what a process has not written yet when it ends is written then, once', async () => {
  const { lines, writes } = output()

  lines.write('last\n')
  lines.flush()
  await nextTurn()

  expect(writes).toEqual(['last\n'])
})

test('lines that a full disk refuses are counted, and told of once there is room', async () => {
  let full = true
  const { lines, writes, lost } = output({
    write(_, failed) {
      if (full) failed()
    },
  })

  lines.write('first\nsecond\n')
  lines.flush()
  lines.write('third\n')
  lines.flush()
  full = false
  lines.write('fourth\n')
  lines.flush()
  lines.write('fifth\n')
  lines.flush()

  expect(lost()).toBe(3)
  const [notice, ...rest] = writes.join('').split('\n')
  expect(JSON.parse(notice ?? '')).toMatchObject({ level: 40, lost: 3 })
  expect(rest).toEqual(['fourth', 'fifth', ''])
})

test('a reader who takes nothing loses lines, and no more than its bound waits', () => {
  let waiting = 0
  const { lines, writes, lost } = output({
    write(text) {
      waiting += text.length
    },
    waiting: () => waiting,
  })
  const line = `${'x'.repeat(1_023)}\n`

  for (let sent = 0; sent < 8 * 1_024; sent++) {
    lines.write(line)
    lines.flush()
  }

  expect(waiting).toBeLessThan(5 * 1_048_576)
  expect(writes.length + lost()).toBe(8 * 1_024)
})

test('a reader who has gone loses what he had not read, and a later one hears of it', () => {
  const waiting: (() => void)[] = []
  const { lines, writes, lost } = output({ write: (_, failed) => waiting.push(failed) })

  lines.write('first\n')
  lines.flush()
  for (const failed of waiting.splice(0)) failed()
  lines.write('second\n')
  lines.flush()

  expect(lost()).toBe(1)
  expect(writes.at(-1)).toMatch(/"lost":1,.*\nsecond\n$/)
})

function output(sink: Partial<Sink> = {}): {
  readonly lines: LogOutput
  readonly writes: string[]
  readonly lost: () => number
} {
  const writes: string[] = []
  let lost = 0
  const lines = linesByTurn(
    {
      waiting: () => 0,
      ...sink,
      write(text, failed) {
        let whole = true
        sink.write?.(text, () => {
          whole = false
          failed()
        })
        if (whole) writes.push(text)
      },
    },
    (more) => {
      lost += more
    },
  )
  return { lines, writes, lost: () => lost }
}
