import { type Revocations, revocationFeed } from 'holdfast/tokens'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../holdfast/test/support/until.ts'
import { type Config, startService } from '../../src/index.ts'
import { atHome, configOf, folder, KEYS, LOGIN, type Running, running } from '../support.ts'

interface Snapshot {
  readonly cursor: string
  readonly asOf: number
  readonly windowMs: number
  readonly since: number
  readonly entries: readonly Record<string, unknown>[]
}

interface Message {
  readonly id: string
  readonly event: string
  readonly data: { readonly n: number; readonly cursor: string; readonly session?: string }
}

/** As many as there may be streams at once. */
const MAX_STREAMS = 4_096

/** A stream of revocations, a message at a time; undefined at its end. */
async function listen(
  run: Running,
  headers: Record<string, string> = {},
): Promise<{ next(): Promise<Message | undefined>; entry(): Promise<Message>; cancel(): void }> {
  const aborted = new AbortController()
  onTestFinished(() => aborted.abort())
  const response = await fetch(`${run.service.url}/v1/revocations`, {
    signal: aborted.signal,
    headers: { authorization: `Bearer ${KEYS.gate}`, accept: 'text/event-stream', ...headers },
  })
  expect(response.status).toBe(200)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let buffer = ''

  async function next(): Promise<Message | undefined> {
    for (;;) {
      const end = buffer.indexOf('\n\n')
      if (end === -1) {
        const read = await reader?.read()
        if (read === undefined || read.done) return undefined
        buffer += read.value
        continue
      }
      const text = buffer.slice(0, end)
      buffer = buffer.slice(end + 2)
      const [, id, event, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(text) ?? []
      if (data !== undefined) return { id: id ?? '', event: event ?? '', data: JSON.parse(data) }
    }
  }

  return {
    next,
    async entry() {
      for (;;) {
        const message = await next()
        if (message === undefined) throw new Error('the stream ended')
        if (message.event !== 'heartbeat') return message
      }
    },
    cancel: () => aborted.abort(),
  }
}

async function login(run: Running, subject = 'ada'): Promise<{ token: string; id: string }> {
  const answer = await run.call('POST', '/v1/sessions', {
    body: { ...LOGIN, subject, request: atHome() },
  })
  const { token, session } = await answer.json()
  return { token, id: session.id }
}

async function revoked(run: Running, subject = 'ada'): Promise<string> {
  const { token, id } = await login(run, subject)
  expect((await run.call('POST', '/v1/logout', { body: { token } })).status).toBe(204)
  return id
}

async function snapshotOf(run: Running): Promise<Snapshot> {
  const answer = await run.call('GET', '/v1/revocations', { key: KEYS.gate })
  expect(answer.status).toBe(200)
  return answer.json()
}

test('a snapshot has whatever ended a session within the window, and nothing else', async () => {
  const run = await running({ HOLDFAST_STORE: `lmdb:${folder()}/store` })
  const kept = await login(run, 'grace')
  const first = await revoked(run)
  run.host.advance(60_000)
  const at = run.host.now()
  const body = { reason: 'password_changed', except: kept.id }
  const all = await run.call('POST', '/v1/subjects/grace/revoke', { body })
  expect(all.status).toBe(204)

  const both = await until('both are there', async () => {
    const snapshot = await snapshotOf(run)
    return snapshot.entries.length === 2 ? snapshot : undefined
  })
  run.host.advance(80_000)
  const later = await snapshotOf(run)
  run.host.advance(80_000)
  const none = await snapshotOf(run)

  expect(both.windowMs).toBe(130_000)
  expect(both.since).toBeLessThanOrEqual(both.asOf - both.windowMs)
  expect(both.entries).toEqual([
    { kind: 'revoked', session: first, at: at - 60_000 },
    {
      kind: 'subject',
      subject: expect.stringMatching(/^[\w-]{22}$/),
      generation: at,
      except: kept.id,
      at,
    },
  ])
  expect(later.entries).toEqual(both.entries.slice(1))
  expect(none.entries).toEqual([])
})

test('a stream tells what is revoked from its cursor on, counts, and beats', async () => {
  const run = await running()
  const early = await revoked(run)
  const { cursor, entries } = await until('it is there', async () => {
    const snapshot = await snapshotOf(run)
    return snapshot.entries.length > 0 ? snapshot : undefined
  })
  const late = await revoked(run)

  const stream = await listen(run, { 'last-event-id': cursor })
  const first = await stream.entry()
  const live = await revoked(run)
  const seen = [first]
  while (seen.at(-1)?.data.session !== live) seen.push(await stream.entry())
  const beat = await stream.next()

  expect(entries).toMatchObject([{ session: early }])
  expect(seen.map(({ data }) => data.session)).toEqual([late, live])
  expect(first).toMatchObject({ event: 'revoked', id: first.data.cursor, data: { n: 1 } })
  expect(beat).toMatchObject({ event: 'heartbeat', id: beat?.data.cursor })
  expect(Object.keys(beat?.data ?? {})).toEqual(['n', 'cursor', 'asOf'])
})

test('a reader that resumes gets each missed revocation once, in order, counted anew', async () => {
  const run = await running()
  const stream = await listen(run)
  const known = await revoked(run)
  const seen = await stream.entry()
  stream.cancel()
  const missed: string[] = []
  for (let i = 0; i < 20; i++) missed.push(await revoked(run, `user-${i}`))

  const resumed = await listen(run, { 'last-event-id': seen.id })
  const told: Message[] = []
  while (told.length < 10) told.push(await resumed.entry())
  resumed.cancel()
  const again = await listen(run, { 'last-event-id': told.at(-1)?.id ?? '' })
  const rest: Message[] = []
  while (rest.length < 10) rest.push(await again.entry())

  expect(seen.data.session).toBe(known)
  expect([...told, ...rest].map(({ data }) => data.session)).toEqual(missed)
  expect(told.map(({ data }) => data.n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(rest[0]?.data.n).toBe(1)
})

test('two services on one store tell the same, by the same cursors', async () => {
  const env = { HOLDFAST_STORE: `lmdb:${folder()}/store` }
  const one = await running(env)
  const two = { ...one, service: await startOn(env) }
  const [here, there] = [await listen(one), await listen(two)]

  const first = await revoked(one)
  const [a, b] = [await here.entry(), await there.entry()]
  here.cancel()
  const second = await revoked(one)
  const moved = await listen(two, { 'last-event-id': a.id })

  expect([a.data.session, b.data.session]).toEqual([first, first])
  expect((await moved.entry()).data.session).toBe(second)
  expect((await there.entry()).data.session).toBe(second)
})

test.each([
  ['garbage', 'xx'],
  ['too long', 'A'.repeat(2_000)],
  ['a name with a line break in it', 'A%0aB'],
])('a cursor that is %s is refused before the stream opens', async (_, cursor) => {
  const run = await running()

  for (const [path, headers] of [
    ['/v1/revocations', { 'last-event-id': cursor }],
    [`/v1/revocations?after=${cursor}`, {}],
  ] as const) {
    const answer = await run.call('GET', path, {
      headers: { accept: 'text/event-stream', ...headers },
    })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ code: 'invalid_input' })
  }
})

test('only gateways and applications hear of revocations', async () => {
  const run = await running()

  const statuses: number[] = []
  for (const key of [KEYS.app, KEYS.gate, KEYS.audit, KEYS.admin, null]) {
    statuses.push((await run.call('GET', '/v1/revocations', { key })).status)
  }

  expect(statuses).toEqual([200, 200, 403, 403, 401])
})

test('streams end when the service stops, with a hint to come again soon', async () => {
  const run = await running()
  const response = await run.call('GET', '/v1/revocations', {
    headers: { accept: 'text/event-stream' },
  })
  const text = response.text()

  await run.service.close()

  expect(await text).toMatch(/^retry: 1000\n: open\n\n(id: [\s\S]*)?retry: 100\n\n$/)
})

test('a verifier has all that happened while its service was restarted', async () => {
  const store = `lmdb:${folder()}/store`
  const port = await freePort()
  const env = { HOLDFAST_STORE: store, HOLDFAST_LISTEN: `127.0.0.1:${port}` }
  const elsewhere = await running({ HOLDFAST_STORE: store })
  let service = await startOn(env)
  const feed = following(service.url)
  await feed.ready()
  const ended: string[] = []

  for (let i = 0; i < 100; i++) {
    if (i === 40) await service.close()
    if (i === 60) service = await startOn(env)
    ended.push(await revoked(elsewhere, `user-${i}`))
  }

  await until('it has all', () => ended.every((sid) => feed.isRevoked({ sid, gen: 0, iat: 0 })))
  await until('it is fresh', () => feed.state() === 'fresh')
  feed.close()
  await service.close()
})

async function startOn(env: Record<string, string>) {
  const config: Config = configOf(env)
  const service = await startService(config, { log: { write: () => true } })
  onTestFinished(() => service.close())
  return service
}

function following(url: string): Revocations {
  const feed = revocationFeed({ url, key: KEYS.gate })
  onTestFinished(() => feed.close())
  return feed
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })
}

test('a Last-Event-ID that is too long takes no place from the streams', async () => {
  const run = await running()
  const headers = {
    authorization: `Bearer ${KEYS.gate}`,
    accept: 'text/event-stream',
    'last-event-id': 'A'.repeat(2_049),
  }
  const refused = async (): Promise<number> => {
    const answer = await fetch(`${run.service.url}/v1/revocations`, { headers })
    await answer.arrayBuffer()
    return answer.status
  }

  for (let at = 0; at <= MAX_STREAMS; at += 64) {
    const statuses = await Promise.all(Array.from({ length: 64 }, refused))
    expect(new Set(statuses)).toEqual(new Set([400]))
  }

  await (await listen(run)).next()
})
