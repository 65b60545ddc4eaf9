import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { connect } from 'holdfast/client'
import type { EventAtCursor } from 'holdfast/wire'
import { expect, onTestFinished, test } from 'vitest'
import { collectGarbage } from '../../../holdfast/test/support/garbage.ts'
import { followEvents } from '../../src/cli/remote-events.ts'
import { KEYS } from '../support.ts'

const event = (cursor: string): object => ({ id: cursor, type: 'login-failed', at: 1, cursor })
const message = (cursor: string): string =>
  `id: ${cursor}\nevent: login-failed\ndata: ${JSON.stringify(event(cursor))}\n\n`

/**
 * Follows a service that sends each stream once, and tells after which position each was asked for.
 */
async function following(streams: ((response: ServerResponse) => void)[]): Promise<{
  events: AsyncGenerator<EventAtCursor>
  after: (string | undefined)[]
  stop: AbortController
}> {
  const after: (string | undefined)[] = []
  const server = createServer((request, response) => {
    after.push(request.headers['last-event-id']?.toString())
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    streams.shift()?.(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = new AbortController()
  onTestFinished(() => {
    stop.abort()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const sessions = connect({ url, key: KEYS.audit })
  const events = followEvents({ url, key: KEYS.audit, sessions }, {}, stop.signal)
  return { events, after, stop }
}

async function first(events: AsyncGenerator<EventAtCursor>): Promise<string | undefined> {
  const { value } = await events.next()
  return value?.cursor
}

test.each([
  ['with lines that end in CR LF', (text: string) => text.replaceAll('\n', '\r\n')],
  ['after a byte order mark', (text: string) => `\uFEFF${text}`],
  ['between comments', (text: string) => `: before\n\n${text.replace('\n', '\n: within\n')}`],
])('an event is understood %s, and in pieces of one byte', async (_, written) => {
  const { events } = await following([
    (response) => {
      for (const byte of Buffer.from(written(message('c1')))) response.write(Buffer.of(byte))
    },
  ])

  expect(await first(events)).toBe('c1')
})

test.each([
  ['a line', `data: ${'x'.repeat(2_000_000)}`],
  ['a message of many lines', 'data: x\n'.repeat(1_000_000)],
])('%s without an end is an error that says so', async (_, text) => {
  const { events } = await following([(response) => response.end(text)])

  await expect(events.next()).rejects.toMatchObject({
    code: 'internal_error',
    message: 'The service sent a message without an end.',
  })
})

test('after a broken stream it goes on from the last event or heartbeat', async () => {
  const { events, after } = await following([
    (response) => response.end('id: c1\nevent: heartbeat\ndata:\n\n'),
    (response) => response.end(`${message('c2')}id: c3\nevent: lo`),
    (response) => response.write(message('c4')),
  ])

  expect(await first(events)).toBe('c2')
  expect(await first(events)).toBe('c4')
  expect(after).toEqual([undefined, 'c1', 'c2'])
})

test('an interrupted stream is left, whatever the garbage collector took before', async () => {
  const { events, stop } = await following([(response) => response.write(message('c1'))])
  expect(await first(events)).toBe('c1')
  const next = events.next()
  for (let i = 0; i < 5; i++) {
    await turn()
    collectGarbage()
  }

  stop.abort()

  expect(await next).toEqual({ done: true, value: undefined })
})
