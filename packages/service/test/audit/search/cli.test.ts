import { SessionError } from 'holdfast'
import { expect, test } from 'vitest'
import { type Watch, watchService } from '../../../src/cli/remote-search.ts'
import { holdfast } from '../../cli/holdfast.ts'
import { searchServer } from './search-server.ts'
import { DAY, emptyIndex, entry, NOW } from './support.ts'

const android = { family: 'chrome', major: 1, os: 'android' } as const

async function server() {
  const index = await emptyIndex('SQLite', { slice: 10 })
  await index.ingest(
    Array.from({ length: 40 }, (_, line) =>
      entry(
        line,
        { at: NOW - (40 - line) * 3_600_000, device: line === 2 ? android : null },
        { subject: line === 2 ? "O'Brien \x1b[31m\u202e" : 'ada', tenant: 'default' },
      ),
    ),
  )
  return searchServer(index, () => NOW)
}

test('a search that ends a slice says how far back it was, and the command goes on', async () => {
  const { env } = await server()
  let command: string | undefined = 'events search --os android --limit 10'
  const outs: string[] = []

  while (command !== undefined) {
    const { out } = await holdfast(command, env)
    outs.push(out)
    command = /^ {2}holdfast (.*)$/m.exec(out)?.[1]
  }

  expect(outs[0]).toMatch(/^Searched back to 2026-11-29 02:00:00Z\. To go on:$/m)
  expect(outs.join('')).toContain('chrome android')
})

test('no name reaches the terminal with anything but what is to be read', async () => {
  const { env } = await server()

  const { out } = await holdfast('events search --limit 40', env)

  expect(out).toContain("O'Brien ·[31m·")
  // Of the name: an escape sequence, a mark that turns the direction.
  expect(/[^\P{C}\n]/u.test(out)).toBe(false)
})

test.for([
  ['events search --since yesterday', '--since must be a time'],
  ['events search --until 1d2', '--until must be a time'],
  ['events search --state live', '--state'],
  ['events search ada', 'takes no arguments'],
])('%s is a wrong command line', async ([args, hint]) => {
  const { env } = await server()

  const { code, err } = await holdfast(args ?? '', env)

  expect(code).toBe(2)
  expect(err).toContain(hint)
})

test('what the service refuses is told as it says it', async () => {
  const { env } = await server()

  const { code, err } = await holdfast('subjects search --network 203.0.113.7/24', env)

  expect(code).toBe(1)
  expect(err).toContain('network must be an address, or a network')
})

test('a watch tells what is new once, oldest first, across a service that was away', async () => {
  const index = await emptyIndex('SQLite')
  const stop = new AbortController()
  const lines: number[] = []
  const steps: (() => void | Promise<void>)[] = [
    () => index.ingest([entry(1), entry(2, { type: 'login-failed' }), entry(3)]),
    () => {},
    () => {
      away = true
    },
    () => index.ingest([entry(4, { at: NOW - 2 * DAY })]),
    () => stop.abort(),
  ]
  let away = false
  const search: Watch<{ readonly line: number }>['search'] = async (query) => {
    if (away) {
      away = false
      throw new SessionError('store_unavailable', 'away')
    }
    const { fromLine, after } = query
    return index.events({
      type: 'session-presented',
      limit: 1,
      ...(fromLine === undefined ? {} : { fromLine: Number(fromLine) }),
      ...(after === undefined ? {} : { after }),
    })
  }
  await index.ingest([entry(0)])

  const pause = async (): Promise<void> => steps.shift()?.()
  for await (const { line } of watchService({ search, query: {}, stop: stop.signal, pause }))
    lines.push(line)

  expect(lines).toEqual([0, 1, 3, 4])
})
