import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../holdfast/test/support/until.ts'
import { abroad, KEYS, type Running, running } from '../support.ts'

async function readersOf(run: Running): Promise<number> {
  const text = await (await fetch(`${run.service.managementUrl}/metrics`)).text()
  return Number(/^holdfast_event_readers (\d+)$/m.exec(text)?.[1])
}

/** Asks for a stream and never reads. */
function unread(run: Running): Socket {
  const socket = connect(Number(new URL(run.service.url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.pause()
  socket.write(
    'GET /v1/events HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n' +
      `authorization: Bearer ${KEYS.audit}\r\n\r\n`,
  )
  return socket
}

test('200 streams that nobody reads hold no write up, and are forgotten after', async () => {
  const run = await running()
  const sockets = Array.from({ length: 200 }, () => unread(run))
  await until('all are open', async () => (await readersOf(run)) === 200)

  for (let at = 0; at < 100; at++) {
    const body = { kind: 'login_failed', subject: `user-${at}`, request: abroad() }
    expect((await run.call('POST', '/v1/reports', { body })).status).toBe(204)
  }

  for (const socket of sockets) socket.destroy()
  await until('all are forgotten', async () => (await readersOf(run)) === 0)
  const { items } = await (await run.call('GET', '/v1/events?type=login-failed')).json()
  expect(items).toHaveLength(100)
})

test('beyond 256 streams nobody else gets one, until one ends', async () => {
  const run = await running()
  const sockets = Array.from({ length: 256 }, () => unread(run))
  await until('all are open', async () => (await readersOf(run)) === 256)
  const ask = () =>
    run
      .call('GET', '/v1/events', { headers: { accept: 'text/event-stream' } })
      .then(async (answer) => {
        if (answer.status === 200) await answer.body?.cancel()
        return answer
      })

  const refused = await ask()
  sockets[0]?.destroy()
  await until('one has ended', async () => (await readersOf(run)) === 255)

  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('1')
})
