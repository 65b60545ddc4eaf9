import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { ecs } from '../../../src/audit/formats/ecs.ts'
import { ocsf } from '../../../src/audit/formats/ocsf.ts'
import { ownJson } from '../../../src/audit/formats/own-json.ts'
import type { AuditOutput } from '../../../src/audit/outputs/output.ts'
import { syslogFrame, syslogMessage } from '../../../src/audit/outputs/syslog-frame.ts'
import { type SyslogOutputOptions, syslogOutput } from '../../../src/audit/outputs/syslog-output.ts'
import { ALL_TYPES, entriesFrom, entryOf, HOSTILE, hostileEntry } from '../entries.ts'
import { type Certificates, certificates, rsyslogMissing, startRsyslog } from './rsyslog.ts'
import { dependencies, type TestDependencies, TIMEOUT_MS, until } from './support.ts'

const ORIGIN = { hostname: 'auth-1.example', processId: '4711' }
const SETTLE_MS = 2_000

function to(
  port: number,
  options: Partial<SyslogOutputOptions> = {},
  deps: TestDependencies = dependencies(),
): AuditOutput {
  const output = syslogOutput(
    {
      name: 'siem',
      format: (entry) => ocsf(entry, { personal: 'full' }),
      host: 'localhost',
      port,
      tls: null,
      origin: ORIGIN,
      timeoutMs: TIMEOUT_MS,
      settleMs: SETTLE_MS,
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

interface TestReceiver {
  readonly port: number
  readonly sockets: Socket[]
  /** Whole messages, over all connections. */
  messages(): readonly string[]
}

/** Reads messages by their octet counts (RFC 5425, section 4.3). */
async function receiver(
  tls: Certificates | null = null,
  onConnection: (socket: Socket, number: number) => void = () => {},
): Promise<TestReceiver> {
  const sockets: Socket[] = []
  const texts: Buffer[] = []
  const take = (socket: Socket): void => {
    const at = sockets.push(socket) - 1
    texts[at] = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      texts[at] = Buffer.concat([texts[at] ?? chunk, chunk])
    })
    onConnection(socket, at + 1)
  }
  const server =
    tls === null
      ? createTcpServer(take)
      : createTlsServer(
          { key: readFileSync(tls.keyFile), cert: readFileSync(tls.certificateFile) },
          take,
        )
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    messages: () => texts.flatMap(messagesIn),
  }
}

function messagesIn(octets: Buffer): readonly string[] {
  const messages: string[] = []
  for (let rest = octets; rest.length > 0; ) {
    const space = rest.indexOf(' ')
    const length = Number(rest.subarray(0, space).toString('latin1'))
    if (!Number.isSafeInteger(length) || rest.length < space + 1 + length) break
    messages.push(rest.subarray(space + 1, space + 1 + length).toString())
    rest = rest.subarray(space + 1 + length)
  }
  return messages
}

/** The parts of RFC 5424, section 6. */
const MESSAGE = new RegExp(
  [
    String.raw`^<(\d{1,3})>1 (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32})`,
    String.raw`((?:\[\S+(?: \w+="(?:[^"\\\]]|\\["\\\]])*")*\])+)`,
    '(.*)$',
  ].join(' '),
  'su',
)

function indexOf(message: string): number {
  return JSON.parse(MESSAGE.exec(message)?.[8] ?? '').metadata.sequence
}

test('a message has the header, the data and the text of RFC 5424', async () => {
  const { port, messages } = await receiver()
  const output = to(port)

  output.send([entryOf('token-reused', { index: 0 })])
  await until(() => messages().length === 1)

  const [, priority, time, host, app, process, id, data, text] =
    MESSAGE.exec(messages()[0] ?? '') ?? []
  expect([priority, time, host, app, process, id]).toEqual([
    String(13 * 8 + 3),
    '2026-11-29T12:00:00.007Z',
    'auth-1.example',
    'holdfast',
    '4711',
    'token-reused',
  ])
  expect(data).toContain('[meta sequenceId="1"][holdfast@32473 id="id-0" type="token-reused"')
  expect(JSON.parse(text ?? '')).toMatchObject({ class_uid: 2004 })
})

test('text beyond ASCII begins with a byte order mark, other text does not', () => {
  const entry = entryOf('login-failed')

  expect(syslogMessage(entry, 'Grüße', ORIGIN)).toMatch(/\] \ufeffGrüße$/)
  expect(syslogMessage(entry, 'hello', ORIGIN)).toMatch(/\] hello$/)
})

test('a header has words of ASCII whatever its parts are', () => {
  const entry = entryOf('a type of the future, longer than thirty-two characters')

  const message = syslogMessage(entry, '', { hostname: 'é ü', processId: '' })

  expect(message).toMatch(/ - holdfast - atypeofthefuture,longerthanthirt \[/)
})

test('hostile entries of every type stay one message below 8 KiB', async () => {
  const { port, messages } = await receiver()
  const output = to(port, { queue: { entries: 10_000, bytes: 100_000_000 } })
  const hostile = ALL_TYPES.flatMap((type) =>
    Object.values(HOSTILE).map((text) => hostileEntry(type, text)),
  ).map((entry, index) => ({ ...entry, index }))

  output.send(hostile)
  await until(() => messages().length === hostile.length)

  expect(messages().map(indexOf)).toEqual(hostile.map(({ index }) => index))
  for (const message of messages()) {
    expect(MESSAGE.exec(message)?.[8]).toMatch(/^[\x20-\x7e]+$/)
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    expect(Buffer.byteLength(message)).toBeLessThan(8_192)
  }
})

test.each([ownJson, ocsf, ecs])(
  'no name and agent of a client makes %o longer than 8 KiB',
  (format) => {
    const text = '\u4e2d'.repeat(10_240)
    const personal = { subject: text, tenant: 'acme', address: text, userAgent: text }

    for (const type of ALL_TYPES) {
      const entry = entryOf(type, { personal, event: { correlation: text } })
      const frame = syslogFrame(entry, format(entry, { personal: 'full' }), ORIGIN)
      expect(Buffer.byteLength(frame)).toBeLessThan(8_192)
    }
  },
)

test('structured data ends where it ends, whatever is in it', () => {
  const text = HOSTILE['structured data'] ?? ''
  const entry = entryOf('login-failed', { event: { correlation: text, session: text } })

  const data = MESSAGE.exec(syslogMessage(entry, 'text', ORIGIN))?.[7]

  expect(data).toContain(String.raw`session="\"\] [forged@1 x=\"y\"\] \\"`)
  expect(data?.match(/(?<!\\)\]/g)).toHaveLength(2)
})

test('what a connection has taken counts when it has gone on for a while', async () => {
  const deps = dependencies()
  const { port, messages } = await receiver()
  const output = to(port, {}, deps)

  output.send(entriesFrom(0, 25))
  await until(() => messages().length === 25)
  await until(() => output.state().sent === 25)
  expect([output.delivered(), output.state().queued]).toEqual([null, 25])
  deps.pass(SETTLE_MS)

  expect([output.delivered(), output.state().queued]).toEqual([24, 0])
})

test('a clock that is set back holds nothing back', async () => {
  const deps = dependencies()
  const { port } = await receiver()
  const output = to(port, {}, deps)
  output.send(entriesFrom(0, 5))
  await until(() => output.state().sent === 5)

  deps.pass(-3_600_000)

  expect(output.delivered()).toBe(4)
})

test('what went into a connection just before it broke goes out again', async () => {
  const deps = dependencies()
  const { port, messages, sockets } = await receiver()
  const output = to(port, {}, deps)
  output.send(entriesFrom(0, 5))
  // What has been written may still be on its way to the receiver.
  await until(() => output.state().sent === 5 && messages().length === 5)

  const [socket] = sockets
  if (socket === undefined) throw new Error('nobody has connected')
  socket.destroy()
  await until(
    () => sockets.length === 2 && messages().filter((one) => indexOf(one) === 4).length === 2,
  )

  deps.pass(SETTLE_MS)
  await until(() => output.delivered() === 4)
  expect(output.state()).toMatchObject({ sent: 5, queued: 0, dropped: 0, failing: null })
})

test('a receiver that hangs up each time is asked at growing distances', async () => {
  const deps = dependencies()
  const { port, sockets } = await receiver(null, (socket, number) => {
    if (number <= 5) socket.once('data', () => socket.destroy())
  })
  const output = to(port, { settleMs: 3_600_000 }, deps)

  output.send(entriesFrom(0, 1))
  await until(() => sockets.length === 6 && output.state().sent === 1)

  const growing = [...deps.pauses].sort((a, b) => a - b)
  expect(deps.pauses).toEqual(growing)
  expect(deps.pauses.length).toBeGreaterThanOrEqual(5)
  expect(deps.problems).toHaveLength(1)
})

test('a receiver that takes nothing is given up, and the queue stays bounded', async () => {
  const deps = dependencies()
  const { port, sockets } = await receiver(null, (socket) => socket.pause())
  const later = (ms: number, run: () => void): (() => void) => {
    const timeout = setTimeout(run, Math.min(ms, 100))
    return () => clearTimeout(timeout)
  }
  const format = () => ({ filled: 'x'.repeat(100_000) })
  const queue = { entries: 300, bytes: 1_000_000_000 }
  const output = to(port, { format, timeoutMs: 100, queue }, { ...deps, later })

  output.send(entriesFrom(0, 400))
  await until(() => sockets.length > 1)

  expect(output.state()).toMatchObject({ queued: 300, dropped: 100 })
  expect(output.delivered()).toBeNull()
})

test('a receiver over TLS is known by its authority and its name', async () => {
  const known = certificates()
  const { port, messages } = await receiver(known)
  const output = to(port, { tls: { caFile: known.caFile } })

  output.send(entriesFrom(0, 3))
  await until(() => messages().length === 3)

  expect(messages().map(indexOf)).toEqual([0, 1, 2])
})

test.each([
  ['another authority', () => ({ caFile: certificates().caFile }), /certificate|signature|verify/i],
  [
    'another name',
    (known: Certificates) => ({ caFile: known.caFile, serverName: 'siem.example' }),
    /altnames/,
  ],
  ['an authority that cannot be read', () => ({ caFile: '/no/such/file' }), /ENOENT/],
])('a receiver of %s gets nothing', async (_, tlsOf, problem) => {
  const deps = dependencies()
  const known = certificates()
  const { port, messages } = await receiver(known)
  const output = to(port, { tls: tlsOf(known) }, deps)

  output.send(entriesFrom(0, 3))
  await until(() => deps.problems.length > 0)

  expect(deps.problems[0]).toMatch(problem)
  expect(messages()).toEqual([])
  expect(output.state()).toMatchObject({ sent: 0, queued: 3 })
})

test.each(['siem.example', '192.0.2.1', '2001:db8::1'])('plain syslog to %s is refused', (host) => {
  expect(() => to(514, { host })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
})

test('closing gives the receiver what waits', async () => {
  const { port, messages } = await receiver()
  const output = to(port)
  output.send(entriesFrom(0, 25))

  await output.close(TIMEOUT_MS)

  await until(() => messages().length === 25)
  expect(output.state()).toMatchObject({ sent: 25, dropped: 0 })
})

// The receiver above is of our own making and could share a mistake with the sender. rsyslog is
// what many people have.
test('rsyslog over TLS reads every entry whole, hostile ones too', async ({ skip }) => {
  const missing = rsyslogMissing()
  if (missing !== undefined) skip(missing)
  const known = certificates()
  const { port, lines } = await startRsyslog(known)
  const output = to(port, { tls: { caFile: known.caFile } })
  const entries = [
    ...ALL_TYPES.map((type) => entryOf(type)),
    ...Object.values(HOSTILE).map((text) => hostileEntry('login-failed', text)),
  ].map((entry, index) => ({ ...entry, index }))

  output.send(entries)
  await until(() => lines().length === entries.length)

  const read = lines().map((line) => /^(\d+) (\S+) (\S+) (\[.*?"\]) (\{.*)$/.exec(line) ?? [])
  expect(read.map(([, , app]) => app)).toEqual(entries.map(() => 'holdfast'))
  expect(read.map(([, , , id]) => id)).toEqual(entries.map(({ event }) => event.type))
  expect(read.map(([, , , , , text]) => JSON.parse(text ?? '').metadata.sequence)).toEqual(
    entries.map(({ index }) => index),
  )
})

test('rsyslog that asks for a certificate gets ours, and nothing without one', async ({ skip }) => {
  const missing = rsyslogMissing()
  if (missing !== undefined) skip(missing)
  const known = certificates()
  const { port, lines } = await startRsyslog(known, 'x509/certvalid')
  const { caFile } = known
  const deps = dependencies()
  const nameless = to(port, { tls: { caFile }, settleMs: 3_600_000 }, deps)
  nameless.send(entriesFrom(100, 3))
  await until(() => deps.problems.length > 0)
  await nameless.close(0)

  to(port, { tls: known }).send(entriesFrom(0, 3))
  await until(() => lines().length === 3)

  expect(lines().join('\n')).not.toContain('id-100')
})
