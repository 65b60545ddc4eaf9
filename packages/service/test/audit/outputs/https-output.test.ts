import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ecs } from '../../../src/audit/formats/ecs.ts'
import { otlp } from '../../../src/audit/formats/otlp.ts'
import { type HttpsOutputOptions, httpsOutput } from '../../../src/audit/outputs/https-output.ts'
import { type AuditOutput, type Later, timer } from '../../../src/audit/outputs/output.ts'
import { entriesFrom, HOSTILE, hostileEntry } from '../entries.ts'
import { certificates } from './rsyslog.ts'
import { dependencies, receiver, type TestDependencies, TIMEOUT_MS, until } from './support.ts'

const TOKEN = 'Splunk 9e1c-secret-of-the-receiver'

function to(
  url: string,
  options: Partial<HttpsOutputOptions> = {},
  deps: TestDependencies = dependencies(),
): AuditOutput {
  const output = httpsOutput(
    {
      name: 'siem',
      format: (entry) => ecs(entry, { personal: 'full' }),
      url,
      body: 'lines',
      headers: { authorization: TOKEN },
      tls: {},
      timeoutMs: TIMEOUT_MS,
      allowPlain: false,
      version: '1.2.3',
      queue: { entries: 1_000, bytes: 10_000_000 },
      batch: { entries: 10, bytes: 1_000_000 },
      backOff: { firstMs: 500, mostMs: 60_000 },
      ...options,
    },
    deps,
  )
  onTestFinished(() => output.close(0))
  return output
}

function end(response: ServerResponse, status: number, body = '', headers = {}): void {
  response.writeHead(status, headers).end(body)
}

function linesOf(body: string): readonly Record<string, unknown>[] {
  return body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

test('entries come in batches, in order, with the headers of the options', async () => {
  const { url, received } = await receiver((response) => end(response, 200))
  const output = to(`${url}/collect?x=1`)

  output.send(entriesFrom(0, 25))
  await until(() => output.delivered() === 24)

  expect(received.map(({ body }) => linesOf(body).length)).toEqual([10, 10, 5])
  expect(received.flatMap(({ body }) => linesOf(body))).toMatchObject(
    Array.from({ length: 25 }, (_, sequence) => ({ event: { sequence } })),
  )
  expect(received[0]).toMatchObject({
    path: '/collect?x=1',
    headers: { authorization: TOKEN, 'content-type': 'application/x-ndjson' },
  })
  expect(output.state()).toEqual({ sent: 25, dropped: 0, queued: 0, failing: null })
})

test('a receiver that answers 500 for an hour gets everything afterwards', async () => {
  const deps = dependencies()
  const start = deps.now()
  const { url, received } = await receiver((response) =>
    end(response, deps.now() - start < 3_600_000 ? 500 : 200),
  )
  const output = to(url, {}, deps)

  output.send(entriesFrom(0, 20))
  await until(() => output.delivered() === 19)

  const { pauses } = deps
  expect(pauses.slice(0, 4)).toEqual([250, 500, 1_000, 2_000])
  expect(Math.max(...pauses)).toBe(30_000)
  expect(received.length).toBe(pauses.length + 2)
  expect(deps.problems).toEqual([
    'audit output siem fails: it answers 500',
    'audit output siem works again; entries that were dropped: 0',
  ])
})

test('half of a pause is chance', async () => {
  const deps = { ...dependencies(), random: () => new Uint8Array([128]) }
  const { url } = await receiver((response, _, number) => end(response, number < 3 ? 503 : 200))
  const output = to(url, {}, deps)

  output.send(entriesFrom(0, 1))
  await until(() => output.delivered() === 0)

  expect(deps.pauses).toEqual([375, 750])
})

test.each([
  ['7', 7_000],
  ['999999999', 300_000],
  ['Sun, 29 Nov 2026 00:00:09 GMT', 9_000],
  ['soon', 250],
  ['-5', 250],
])('Retry-After: %s is a pause of %i ms', async (field, ms) => {
  const deps = dependencies()
  const { url } = await receiver((response, _, number) =>
    number === 1 ? end(response, 429, '', { 'retry-after': field }) : end(response, 200),
  )
  const output = to(url, {}, deps)

  output.send(entriesFrom(0, 1))
  await until(() => output.delivered() === 0)

  expect(deps.pauses).toEqual([ms])
})

test('what finds no room is dropped, counted, told once, and holds the cursor back', async () => {
  const deps = dependencies()
  const held: ServerResponse[] = []
  const { url } = await receiver((response, _, number) =>
    number === 1 ? held.push(response) : end(response, 200),
  )
  const output = to(url, { queue: { entries: 30, bytes: 10_000_000 } }, deps)

  output.send(entriesFrom(0, 50))
  output.send(entriesFrom(50, 50))
  expect(output.state()).toMatchObject({ dropped: 70, queued: 30, failing: 'its queue is full' })
  await until(() => held.length === 1)
  held[0]?.writeHead(200).end()
  await until(() => output.state().queued === 0)
  output.send(entriesFrom(100, 10))
  await until(() => output.state().queued === 0)

  expect(output.delivered()).toBe(29)
  expect(output.state()).toEqual({ sent: 40, dropped: 70, queued: 0, failing: null })
  expect(deps.problems).toEqual([
    'audit output siem fails: its queue is full',
    'audit output siem works again; entries that were dropped: 70',
  ])
  output.send(entriesFrom(30, 30))
  await until(() => output.delivered() === 59)
})

test('the queue is bounded in bytes, too', async () => {
  const { url } = await receiver(() => {})
  const output = to(url, { queue: { entries: 1_000, bytes: 20_000 } })

  output.send(entriesFrom(0, 100))

  const { queued, dropped } = output.state()
  expect(queued).toBeGreaterThan(5)
  expect(queued).toBeLessThan(30)
  expect(queued + dropped).toBe(100)
})

test('a receiver that hangs is given up, and tried again', async () => {
  const { url, received } = await receiver((response, _, number) => {
    if (number > 1) end(response, 200)
  })
  const output = to(url, { timeoutMs: 50 }, { ...dependencies(), later: timerOf })
  output.send(entriesFrom(0, 1))

  await until(() => output.delivered() === 0)

  expect(received).toHaveLength(2)
})

test('a receiver that never ends its answer is given up', async () => {
  const deps = { ...dependencies(), later: timerOf }
  const { url } = await receiver((response) => response.writeHead(200).write('{'))
  const output = to(url, { timeoutMs: 50 }, deps)

  output.send(entriesFrom(0, 1))
  await until(() => deps.problems.length > 0)

  expect(deps.problems).toEqual(['audit output siem fails: no answer within 50 ms'])
  expect(output.delivered()).toBeNull()
})

test('an answer of 10 MB is not read', async () => {
  let written = 0
  const { url } = await receiver((response) => {
    response.writeHead(200)
    const chunk = Buffer.alloc(65_536, 'x')
    const more = (): void => {
      for (; written < 10_000_000 && !response.destroyed; written += chunk.length) {
        if (!response.write(chunk)) return void response.once('drain', more)
      }
      response.end()
    }
    more()
  })
  const output = to(url)

  output.send(entriesFrom(0, 1))
  await until(() => output.delivered() === 0)

  expect(written).toBeLessThan(10_000_000)
})

test('an answer of 10 MB to a bulk request is no answer', async () => {
  const deps = dependencies()
  const { url } = await receiver((response, _, number) =>
    end(response, 200, number === 1 ? 'x'.repeat(10_000_000) : '{"errors":false}'),
  )
  const output = to(url, { body: 'elastic' }, deps)

  output.send(entriesFrom(0, 1))
  await until(() => output.delivered() === 0)

  expect(deps.problems[0]).toBe('audit output siem fails: its answer cannot be read')
})

test.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async (status) => {
  const elsewhere = await receiver((response) => end(response, 200))
  const deps = dependencies()
  const { url } = await receiver((response, _, number) =>
    number < 3
      ? end(response, status, '', { location: `${elsewhere.url}/inward` })
      : end(response, 200),
  )
  const output = to(url, {}, deps)

  output.send(entriesFrom(0, 1))
  await until(() => output.delivered() === 0)

  expect(elsewhere.received).toEqual([])
  expect(deps.problems[0]).toBe(`audit output siem fails: it answers ${status}`)
})

test('a receiver that closes early is asked again', async () => {
  const { url, received } = await receiver((response, _, number) => {
    if (number === 1) response.destroy()
    else if (number === 2) {
      response.writeHead(200, { 'content-length': 100 }).write('half')
      setImmediate(() => response.destroy())
    } else end(response, 200)
  })
  const output = to(url)

  output.send(entriesFrom(0, 1))
  await until(() => output.delivered() === 0)

  expect(received.length).toBeGreaterThanOrEqual(3)
})

test('an idle connection that the receiver has ended is no outage', async () => {
  const deps = dependencies()
  const { url } = await receiver((response, _, number) => {
    end(response, 200)
    if (number === 1) response.once('finish', () => setImmediate(() => response.socket?.destroy()))
  })
  const output = to(url, {}, deps)

  output.send(entriesFrom(0, 1))
  await until(() => output.delivered() === 0)
  output.send(entriesFrom(1, 1))
  await until(() => output.delivered() === 1)

  expect(deps.problems).toEqual([])
})

test('a receiver that is not there is a failing output, and tells no secret', async () => {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const deps = dependencies()
  const output = to(`http://127.0.0.1:${port}/collect?token=secret-of-the-address`, {}, deps)

  output.send(entriesFrom(0, 1))
  await until(() => deps.problems.length === 1)

  expect(deps.problems[0]).toMatch(/^audit output siem fails: .*ECONNREFUSED/)
  expect(deps.problems.join() + output.state().failing).not.toContain('secret')
})

test('one entry that the receiver cannot read does not take the others with it', async () => {
  const { url, received } = await receiver((response, { body }) =>
    end(response, body.includes('"sequence":13') ? 400 : 200),
  )
  const output = to(url)

  output.send(entriesFrom(0, 30))
  await until(() => output.delivered() === 29)

  const good = received.filter(({ body }) => !body.includes('"sequence":13'))
  expect(good.flatMap(({ body }) => linesOf(body))).toHaveLength(29)
  expect(output.state()).toMatchObject({ sent: 29, dropped: 1, failing: null })
})

test('a wrong key of ours loses nothing: the batch waits', async () => {
  const { url } = await receiver((response, _, number) => end(response, number < 4 ? 401 : 200))
  const output = to(url)

  output.send(entriesFrom(0, 5))
  await until(() => output.delivered() === 4)

  expect(output.state()).toMatchObject({ sent: 5, dropped: 0 })
})

test('Elastic gets documents under the ids of events, and may have some already', async () => {
  const { url, received } = await receiver((response, _, number) => {
    if (number === 1) return end(response, 200, bulk(201, 429, 201))
    return end(response, 200, bulk(409, 201, 409))
  })
  const output = to(`${url}/audit/_bulk`, { body: 'elastic' })

  output.send(entriesFrom(0, 3))
  await until(() => output.delivered() === 2)

  expect(received.map(({ path }) => path)).toEqual(
    Array(2).fill('/audit/_bulk?filter_path=errors%2Citems.*.status'),
  )
  expect(linesOf(received[0]?.body ?? '').slice(0, 2)).toMatchObject([
    { create: { _id: 'id-0' } },
    { event: { id: 'id-0' } },
  ])
  expect(output.state()).toMatchObject({ sent: 3, dropped: 0 })
})

test('what Elastic refuses for good is counted, and goes on', async () => {
  const { url } = await receiver((response) => end(response, 200, bulk(201, 400, 201)))
  const output = to(url, { body: 'elastic' })

  output.send(entriesFrom(0, 3))
  await until(() => output.delivered() === 2)

  expect(output.state()).toMatchObject({
    sent: 2,
    dropped: 1,
    failing: 'the receiver refuses entries',
  })
})

test('Splunk gets events with their time', async () => {
  const { url, received } = await receiver((response) => end(response, 200, '{"code":0}'))
  const output = to(url, { body: 'splunk' })

  output.send(entriesFrom(0, 2))
  await until(() => output.delivered() === 1)

  expect(linesOf(received[0]?.body ?? '')).toMatchObject([
    { time: 1_795_953_600.007, source: 'holdfast', event: { event: { id: 'id-0' } } },
    { event: { event: { id: 'id-1' } } },
  ])
})

test('OTLP gets one request a batch, and says what it has rejected', async () => {
  const { url, received } = await receiver((response) =>
    end(response, 200, '{"partialSuccess":{"rejectedLogRecords":"1"}}'),
  )
  const format = (entry: Parameters<typeof otlp>[0]) => otlp(entry, { personal: 'none' })
  const output = to(`${url}/v1/logs`, { body: 'otlp', format })

  output.send(entriesFrom(0, 2))
  await until(() => output.delivered() === 1)

  const [{ scopeLogs }] = JSON.parse(received[0]?.body ?? '').resourceLogs
  expect(scopeLogs[0].logRecords).toHaveLength(2)
  expect(output.state()).toMatchObject({ sent: 1, dropped: 1 })
})

test.each(['lines', 'splunk', 'elastic', 'otlp'] as const)(
  'hostile entries stay entries within %s',
  async (body) => {
    const answer = '{"errors":false}'
    const { url, received } = await receiver((response) => end(response, 200, answer))
    const format = (entry: Parameters<typeof otlp>[0]) =>
      (body === 'otlp' ? otlp : ecs)(entry, { personal: 'full' })
    const output = to(url, { body, format })
    const hostile = Object.values(HOSTILE).map((text, index) => ({
      ...hostileEntry('login-failed', text),
      index,
    }))

    output.send(hostile)
    await until(() => output.state().queued === 0)

    const text = received.map((one) => one.body).join('')
    const records =
      body === 'otlp'
        ? JSON.parse(received[0]?.body ?? '').resourceLogs[0].scopeLogs[0].logRecords
        : linesOf(text)
    expect(records).toHaveLength(hostile.length * (body === 'elastic' ? 2 : 1))
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  },
)

test('who sends again after a restart, from behind what was delivered, misses none', async () => {
  const { url, received } = await receiver((response, _, number) =>
    end(response, number === 3 ? 500 : 200),
  )
  // It is never tried again.
  const later: Later = (ms, run) => (ms === 0 ? timer(ms, run) : () => {})
  const before = to(url, {}, { ...dependencies(), later })
  before.send(entriesFrom(0, 50))
  await until(() => before.state().failing !== null)
  const cursor = before.delivered() ?? -1

  const after = to(url)
  after.send(entriesFrom(cursor + 1, 50 - cursor - 1))
  await until(() => after.delivered() === 49)

  expect(cursor).toBe(19)
  const accepted = received.filter((_, at) => at !== 2)
  expect(accepted.flatMap(({ body }) => linesOf(body))).toMatchObject(
    Array.from({ length: 50 }, (_, sequence) => ({ event: { sequence } })),
  )
})

test('over TLS a receiver is known by its authority, and knows us by our certificate', async () => {
  const known = certificates()
  const server = createHttpsServer(
    {
      ca: readFileSync(known.caFile),
      cert: readFileSync(known.certificateFile),
      key: readFileSync(known.keyFile),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (_, response) => end(response, 200),
  )
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  const [stranger, nameless, other] = [dependencies(), dependencies(), dependencies()]

  to(url, {}, stranger).send(entriesFrom(0, 1))
  to(url, { tls: { caFile: known.caFile } }, nameless).send(entriesFrom(0, 1))
  to(url, { tls: { ...known, serverName: 'siem.example' } }, other).send(entriesFrom(0, 1))
  const good = to(url, { tls: known })
  good.send(entriesFrom(0, 1))

  await until(() => good.delivered() === 0)
  await until(() => [stranger, nameless, other].every(({ problems }) => problems.length === 1))
  expect(stranger.problems[0]).toMatch(/certificate|signature|verify/i)
  expect(other.problems[0]).toContain('altnames')
})

test('closing delivers what waits, within its time', async () => {
  const { url, received } = await receiver((response) => end(response, 200))
  const output = to(url)
  output.send(entriesFrom(0, 25))

  await output.close(TIMEOUT_MS)

  expect(received).toHaveLength(3)
  expect(output.state()).toMatchObject({ sent: 25, queued: 0, dropped: 0 })
})

test('closing gives up a receiver that hangs, and counts what is left', async () => {
  const { url, received } = await receiver(() => {})
  const deps = dependencies()
  const output = to(
    url,
    {},
    { ...deps, later: (ms, run) => (ms === 1 ? timer(ms, run) : () => {}) },
  )
  output.send(entriesFrom(0, 25))
  await until(() => received.length === 1)

  await output.close(1)
  output.send(entriesFrom(25, 1))

  expect(output.state()).toMatchObject({ sent: 0, dropped: 26 })
})

test.each(['http://siem.example/', 'ftp://siem.example/', 'file:///etc/passwd', 'siem'])(
  '%s is no receiver',
  (url) => {
    expect(() => to(url)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  },
)

test('plain HTTP to another machine has to be allowed', () => {
  expect(() => to('http://siem.example/', { allowPlain: true })).not.toThrow()
})

function bulk(...statuses: readonly number[]): string {
  return JSON.stringify({ errors: true, items: statuses.map((status) => ({ create: { status } })) })
}

function timerOf(ms: number, run: () => void): () => void {
  const timeout = setTimeout(run, Math.min(ms, 50))
  return () => clearTimeout(timeout)
}
