import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { EventAtCursor } from 'holdfast/wire'
import { expect, onTestFinished, test } from 'vitest'
import { problemsBy, schemaOf } from '../audit/schemas.ts'
import { abroad, atHome, folder, KEYS, LOGIN, type Running, running } from '../support.ts'

interface Message {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: EventAtCursor | undefined
}

/** Reads a stream of server-sent events, a message at a time. */
async function listen(
  run: Running,
  path: string,
  headers: Record<string, string> = {},
): Promise<{
  next(): Promise<Message | undefined>
  nextEvent(): Promise<Message>
  cancel(): void
}> {
  const aborted = new AbortController()
  onTestFinished(() => aborted.abort())
  const response = await fetch(`${run.service.url}${path}`, {
    signal: aborted.signal,
    headers: { authorization: `Bearer ${KEYS.audit}`, accept: 'text/event-stream', ...headers },
  })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  expect(response.headers.get('cache-control')).toBe('no-store')
  const reader = response.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader()

  async function next(): Promise<Message | undefined> {
    const { value } = (await reader?.read()) ?? {}
    if (value === undefined) return undefined
    const { id, event, data } = value
    return { id, event, data: data === '' ? undefined : JSON.parse(data) }
  }

  async function nextEvent(): Promise<Message> {
    for (;;) {
      const message = await next()
      if (message === undefined) throw new Error('the stream ended')
      if (message.event !== 'heartbeat') return message
    }
  }

  return { next, nextEvent, cancel: () => aborted.abort() }
}

async function login(run: Running, subject = 'ada'): Promise<{ token: string; id: string }> {
  const answer = await run.call('POST', '/v1/sessions', {
    body: { ...LOGIN, subject, request: atHome() },
  })
  const { token, session } = await answer.json()
  return { token, id: session.id }
}

async function query(
  run: Running,
  search = '',
): Promise<{ items: EventAtCursor[]; cursor: string; more: boolean }> {
  const answer = await run.call('GET', `/v1/events${search}`, { key: KEYS.audit })
  expect(answer.status).toBe(200)
  return answer.json()
}

test('events are found by session, subject and type, with their reasons', async () => {
  const run = await running({ HOLDFAST_STORE: `lmdb:${folder()}/store` })
  const ada = await login(run)
  const eve = await login(run, 'eve')
  await run.call('POST', '/v1/verify', { body: { token: ada.token, request: abroad() } })
  await run.call('POST', '/v1/logout', { body: { token: eve.token } })

  const ofAda = await query(run, `?session=${ada.id}`)
  const ofEve = await query(run, '?subject=eve')
  const ofOtherTenant = await query(run, '?subject=eve&tenant=acme')
  const logouts = await query(run, '?type=session-revoked')

  expect(ofAda.items.map(({ type }) => type)).toContain('session-established')
  expect(ofAda.items.every(({ session }) => session === ada.id)).toBe(true)
  const judged = ofAda.items.find(({ decision }) => decision !== null && decision.score > 0)
  const sum = judged?.decision?.because.reduce((total, { weight }) => total + weight, 0)
  expect(sum).toBe(judged?.decision?.score)
  expect(ofEve.items.map(({ session }) => session)).toEqual([eve.id, eve.id])
  expect(ofOtherTenant.items).toEqual([])
  expect(logouts.items.map(({ reason }) => reason)).toEqual(['logout'])
  expect(JSON.stringify(ofAda.items)).not.toContain('192.0.2')
})

test.each(['', '?personal=full'])(
  'what is beside an event taken away, it is valid%s',
  async (search) => {
    const run = await running({ HOLDFAST_AUDIT_PERSONAL: 'full' })
    await login(run)

    const { items } = await query(run, search)

    const events = items.map(({ cursor: _, personal: __, ...event }) => event)
    expect(events.flatMap((event) => problemsBy(schemaOf(event.type), event))).toEqual([])
    expect(events.map(({ type }) => type)).toContain('session-established')
  },
)

test('a query goes on from the cursor of the page before, without gap or repetition', async () => {
  const run = await running()
  for (let at = 0; at < 5; at++) await login(run, `user-${at}`)
  await query(run)
  const whole = await query(run)

  const found: string[] = []
  let page = await query(run, '?limit=2')
  for (let at = 0; at < 10 && page.more; at++) {
    found.push(...page.items.map(({ id }) => id))
    page = await query(run, `?limit=2&after=${page.cursor}`)
  }
  found.push(...page.items.map(({ id }) => id))

  expect(found).toEqual(whole.items.map(({ id }) => id))
  // The logins, the first look, and the policy that was taken up.
  expect(new Set(found).size).toBe(7)
})

test('a stream tells what happens, in the words of the query', async () => {
  const run = await running()
  const stream = await listen(run, '/v1/events')

  const { id } = await login(run)
  const message = await stream.nextEvent()

  expect(message.event).toBe('session-established')
  // Where each has come to in the log depends on what else happened.
  const [found] = (await query(run, `?session=${id}`)).items
  expect(message.data).toEqual({ ...found, cursor: expect.any(String) })
  expect(message.id).toBe(message.data?.cursor)
})

test('a stream that was cut off resumes after the last event that was read', async () => {
  const run = await running({ HOLDFAST_STORE: `lmdb:${folder()}/store` })
  const first = await listen(run, '/v1/events?type=session-established')
  const one = await login(run)
  const seen = await first.nextEvent()
  first.cancel()
  const two = await login(run)
  const three = await login(run)

  const second = await listen(run, '/v1/events?type=session-established', {
    'last-event-id': seen.id ?? '',
  })
  const missed = [await second.nextEvent(), await second.nextEvent()]

  expect(seen.data?.session).toBe(one.id)
  expect(missed.map(({ data }) => data?.session)).toEqual([two.id, three.id])
})

test('a silent stream beats, and its position passes what was filtered out', async () => {
  const run = await running()
  const stream = await listen(run, '/v1/events?type=login-failed')
  const opened = await stream.next()
  await login(run)

  let beat = await stream.next()
  while (beat?.id === opened?.id) beat = await stream.next()

  expect(beat).toMatchObject({ event: 'heartbeat', data: undefined })
  expect(beat?.id).toBe((await query(run)).items.at(-1)?.cursor)
})

test('a stream from a position that nobody gave is refused before it opens', async () => {
  const run = await running()

  const answer = await run.call('GET', '/v1/events', {
    key: KEYS.audit,
    headers: { accept: 'text/event-stream', 'last-event-id': 'not a cursor' },
  })

  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ code: 'invalid_input' })
})

test('streams end when the service stops, and do not hold it up', async () => {
  const run = await running()
  const stream = await listen(run, '/v1/events')
  await stream.next()

  await run.service.close()

  let last = await stream.next()
  while (last !== undefined) last = await stream.next()
  expect(last).toBeUndefined()
})
