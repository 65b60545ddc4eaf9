import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fakeHost } from 'holdfast/contracts'
import { onTestFinished } from 'vitest'
import { type Alert, alertOf } from '../../../src/audit/alerts/alert.ts'
import { createOutbox, type Outbox, type OutboxOptions } from '../../../src/audit/alerts/outbox.ts'
import { type OutboxView, outboxView } from '../../../src/audit/alerts/outbox-view.ts'
import { createSender, type Sender } from '../../../src/audit/alerts/sender.ts'
import type { OpenTargets, Target } from '../../../src/audit/alerts/target.ts'
import { type Database, openDatabase } from '../../../src/audit/database.ts'
import type { Finding, Incident, Severity } from '../../../src/audit/finding.ts'

export const START = Date.UTC(2026, 10, 30, 12)
export const SESSION = Buffer.alloc(32, 7).toString('base64url')
export const EVENT = Buffer.alloc(16, 9).toString('base64url')

export function finding(facts: Partial<Finding> = {}): Finding {
  return {
    id: 'finding-1',
    rule: 'two-holders',
    severity: 'high',
    at: START,
    title: 'Two holders of one secret',
    text: 'Two browsers used one secret.',
    group: { session: SESSION },
    subject: 'AAAAAAAAAAAAAAAAAAAAAA',
    session: SESSION,
    network: '203.0.113.0/24',
    count: 2,
    events: [EVENT],
    ...facts,
  }
}

export function incident(facts: Partial<Incident> = {}): Incident {
  const severity = facts.severity ?? 'high'
  return {
    id: 'incident-1',
    state: 'open',
    severity,
    title: 'Two holders of one secret',
    subject: 'AAAAAAAAAAAAAAAAAAAAAA',
    session: SESSION,
    network: '203.0.113.0/24',
    openedAt: START,
    updatedAt: START,
    findings: [finding({ severity })],
    ...facts,
  }
}

/** The alert that a fresh incident of this number is worth. */
export function alertNumber(number: number, severity: Severity = 'high'): Alert {
  return alertOf(incident({ id: `incident-${number}`, severity }), 'opened')
}

export interface Outboxed {
  readonly database: Database
  readonly outbox: Outbox
  readonly view: OutboxView
  readonly clock: { now(): number; advance(ms: number): void; set(to: number): void }
  enqueue(alert: Alert, targets: readonly string[], holdUntil?: number | null): void
  /** The states of all deliveries, oldest first. */
  states(): readonly string[]
}

export function outboxed(options: Partial<OutboxOptions> = {}): Outboxed {
  let time = START
  const clock = {
    now: () => time,
    advance(ms: number) {
      time += ms
    },
    set(to: number) {
      time = to
    },
  }
  const database = options.database ?? openDatabase(':memory:')
  onTestFinished(() => database.close())
  const { random } = fakeHost()
  const outbox = createOutbox({ database, now: clock.now, random, ...options })
  return {
    database,
    outbox,
    view: outboxView(database, clock.now),
    clock,
    enqueue: (alert, targets, holdUntil = null) =>
      database.transaction(() =>
        outbox.enqueue(
          alert,
          targets.map((target) => ({ target, holdUntil })),
        ),
      ),
    states: () =>
      database
        .all('SELECT state FROM alert_deliveries ORDER BY seq')
        .map(({ state }) => String(state)),
  }
}

/** A sender that is stopped with the test. What it logs is kept. */
export function sending(
  { outbox, clock }: Pick<Outboxed, 'outbox' | 'clock'>,
  targets: Readonly<Record<string, Target & { readonly perMinute?: number }>>,
  { timeoutMs = 15_000 }: { readonly timeoutMs?: number } = {},
): { readonly sender: Sender; readonly logged: object[] } {
  const logged: object[] = []
  const open: OpenTargets = Object.fromEntries(
    Object.entries(targets).map(([name, one]) => [name, { perMinute: 6_000, ...one }]),
  )
  const note = (line: object): number => logged.push(line)
  const log = { warn: note, error: note }
  const sender = createSender({ outbox, targets: open, now: clock.now, log, timeoutMs })
  onTestFinished(() => sender.stop())
  sender.start()
  return { sender, logged }
}

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Receiver {
  readonly url: string
  readonly port: number
  readonly received: Received[]
  /** Resolves with the next message that comes, one call for each. */
  next(): Promise<Received>
}

/** A server on this machine that notes what comes and answers as it is told. */
export async function receiver(
  respond: (response: ServerResponse, received: Received) => void = (response) => {
    response.writeHead(200).end('ok')
  },
): Promise<Receiver> {
  const received: Received[] = []
  const waiting: ((one: Received) => void)[] = []
  const unread: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { url = '', headers } = request
      const one = { path: url, headers, body: Buffer.concat(chunks).toString() }
      received.push(one)
      const reader = waiting.shift()
      if (reader === undefined) unread.push(one)
      else reader(one)
      respond(response, one)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    received,
    next: () => {
      const [first] = unread.splice(0, 1)
      if (first !== undefined) return Promise.resolve(first)
      return new Promise((resolve) => waiting.push(resolve))
    },
  }
}
