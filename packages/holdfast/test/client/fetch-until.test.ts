import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { fetchUntil } from '../../src/client/fetch-until.ts'
import { collectGarbage } from '../support/garbage.ts'

/** A server that leaves each answer where `begin` has brought it. */
async function serving(
  begin: (response: ServerResponse) => void,
): Promise<{ readonly url: string; readonly response: Promise<ServerResponse> }> {
  const server = createServer()
  const response = once(server, 'request').then(([, one]: ServerResponse[]) => {
    if (one === undefined) throw new Error('no response')
    begin(one)
    return one
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, response }
}

/** The rest of an answer whose head has come. */
async function restOf(
  url: string,
  signal: AbortSignal,
): Promise<{ readonly text: Promise<string> }> {
  const response = await fetchUntil(fetch, url, { redirect: 'error', signal })
  return { text: response.text() }
}

test.each([
  ['after its head', (response: ServerResponse) => response.flushHeaders()],
  ['within its body', (response: ServerResponse) => response.write('{"keys":[')],
])(
  'an answer that stays away %s ends with its signal after a garbage collection',
  async (_, begin) => {
    const { url, response } = await serving(begin)
    const stop = new AbortController()
    const { text } = await restOf(url, stop.signal)
    const ended = expect(text).rejects.toMatchObject({ name: 'AbortError' })
    const closed = once(await response, 'close')
    for (let i = 0; i < 5; i++) {
      await turn()
      collectGarbage()
    }

    stop.abort()

    await ended
    await closed
  },
)

test('an answer that is whole is handed on as it is', async () => {
  const { url } = await serving((response) => {
    response.writeHead(201, 'Made', { 'content-type': 'text/plain', 'x-more': 'a' }).end('whole')
  })

  const response = await fetchUntil(fetch, url, { signal: new AbortController().signal })

  expect(response).toMatchObject({ status: 201, statusText: 'Made', ok: true })
  expect(Object.fromEntries(response.headers)).toMatchObject({ 'x-more': 'a' })
  expect(await response.text()).toBe('whole')
})

test('an answer without a body is one', async () => {
  const { url } = await serving((response) => response.writeHead(204).end())

  const response = await fetchUntil(fetch, url, { signal: new AbortController().signal })

  expect([response.status, response.body]).toEqual([204, null])
})
