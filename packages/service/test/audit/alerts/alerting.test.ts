import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SessionError } from 'holdfast'
import { runCommand } from 'holdfast/cli'
import { fakeHost } from 'holdfast/contracts'
import { Webhook } from 'standardwebhooks'
import { describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../../../../holdfast/test/support/until.ts'
import { isInputFault } from '../../../src/api/call.ts'
import { alertCalls } from '../../../src/api/calls/alerts.ts'
import { faultOf, problemResponse } from '../../../src/api/problem.ts'
import { type Alerting, createAlerting } from '../../../src/audit/alerts/alerting.ts'
import { alerting as settings } from '../../../src/audit/alerts/settings.ts'
import { type Database, openDatabase } from '../../../src/audit/database.ts'
import { alertCommands } from '../../../src/cli/alerts.ts'
import { NO_ACTS } from '../../support.ts'
import { incident, type Receiver, receiver } from './support.ts'

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`

interface Watched {
  readonly alerting: Alerting
  readonly database: Database
  readonly soc: Receiver
}

async function watched(): Promise<Watched> {
  const soc = await receiver()
  const database = openDatabase(':memory:')
  const { random } = fakeHost()
  const log = { warn: () => {}, error: () => {} }
  const alerting = createAlerting({
    database,
    settings: settings.alerts.parse({
      targets: {
        soc: { type: 'webhook', url: soc.url, secrets: [SECRET], allowPrivate: true },
        gone: { type: 'slack', url: 'https://127.0.0.1:1/' },
      },
      routes: [{ severity: 'critical', to: ['soc', 'gone'] }, { to: ['soc'] }],
      console: 'https://console.example',
    }),
    now: () => Date.now(),
    random,
    log,
  })
  onTestFinished(async () => {
    await alerting.stop()
    database.close()
  })
  alerting.start()
  return { alerting, database, soc }
}

describe('an incident', () => {
  test('is told from its beginning to its end, each change once', async () => {
    const { alerting, database, soc } = await watched()
    const now = Date.now()
    const states = [
      incident({ severity: 'medium', updatedAt: now }),
      incident({ severity: 'medium', updatedAt: now + 1 }),
      incident({ severity: 'high', updatedAt: now + 2 }),
      incident({ severity: 'high', updatedAt: now + 3, state: 'acknowledged' }),
      incident({ severity: 'high', updatedAt: now + 4, state: 'resolved' }),
    ]

    for (const [at, after] of states.entries()) {
      database.transaction(() => alerting.raise(states[at - 1], after, { name: 'ada' }))
    }
    await until('all are sent', () => alerting.state().sent.soc?.delivered === 4)

    const told = soc.received.map(({ body, headers }) =>
      new Webhook(SECRET).verify(body, {
        'webhook-id': String(headers['webhook-id']),
        'webhook-timestamp': String(headers['webhook-timestamp']),
        'webhook-signature': String(headers['webhook-signature']),
      }),
    )
    expect(told).toMatchObject([
      { type: 'alert.opened', data: { severity: 'medium', name: 'ada', incident: 'incident-1' } },
      { type: 'alert.escalated', data: { severity: 'high' } },
      { type: 'alert.acknowledged' },
      { type: 'alert.resolved', data: { link: 'https://console.example/incidents/incident-1' } },
    ])
  })

  test('of a transaction that fails is told to nobody', async () => {
    const { alerting, database, soc } = await watched()

    const failed = (): void =>
      database.transaction(() => {
        alerting.raise(undefined, incident())
        throw new Error('not after all')
      })
    expect(failed).toThrow('not after all')
    database.transaction(() => alerting.raise(undefined, incident({ id: 'incident-2' })))
    await soc.next()

    expect(JSON.parse(soc.received[0]?.body ?? '').data.incident).toBe('incident-2')
    expect(soc.received).toHaveLength(1)
  })
})

/** The calls behind a server, for the command line: routing and keys are the business of others. */
async function served({ alerting }: Watched): Promise<string> {
  const calls = alertCalls({ acts: NO_ACTS, alerts: alerting.alerts })
  async function answered(incoming: IncomingMessage): Promise<Response> {
    const url = new URL(incoming.url ?? '', 'http://localhost')
    const found = calls.flatMap((one) => {
      const pattern = one.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')
      const match = new RegExp(`^${pattern}$`).exec(url.pathname)
      return match !== null && one.method === incoming.method?.toLowerCase() ? [{ one, match }] : []
    })
    const [first] = found
    if (first === undefined) throw new SessionError('not_found', 'no such call')
    const answer = await first.one.answer({
      request: new Request(url, { headers: { 'content-type': 'application/json' } }),
      incoming,
      params: { ...first.match.groups },
      caller: { name: 'ops', roles: ['audit', 'admin'] },
      requestId: 'request-1',
    })
    if (answer instanceof Response) return answer
    return Response.json(answer.body, { status: answer.status })
  }
  const server = createServer(async (incoming, outgoing) => {
    const response = await answered(incoming).catch((error) => {
      const fault = isInputFault(error) ? error.fault : faultOf(error)
      return problemResponse(fault, { requestId: 'request-1' })
    })
    outgoing.writeHead(response.status, { 'content-type': 'application/json' })
    outgoing.end(await response.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function command(
  url: string,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ['', '']
  const program = {
    commands: alertCommands,
    manifest: new URL('../../../package.json', import.meta.url),
  }
  const code = await runCommand(program, args, {
    env: { HOLDFAST_URL: url, HOLDFAST_KEY: 'key-of-the-operator' },
    stdout: (text) => {
      out += text
    },
    stderr: (text) => {
      err += text
    },
  })
  return { code, out, err }
}

describe('the command line', () => {
  test('lists alerts, shows one, and sends it again', async () => {
    const all = await watched()
    const { alerting, database, soc } = all
    const url = await served(all)
    const title = 'Two \u001b[31mholders\u202e'
    const alert = database.transaction(() =>
      alerting.raise(undefined, incident({ severity: 'critical', title, updatedAt: Date.now() })),
    )
    const id = alert?.id ?? ''
    await until('one is sent, the other failed', () => {
      const { sent } = alerting.state()
      return sent.soc?.delivered === 1 && sent.gone?.failed === 1
    })

    const listed = await command(url, 'alerts', 'list', '--severity', 'high')
    const shown = await command(url, 'alerts', 'show', id)
    const json = await command(url, 'alerts', 'show', id, '--json')
    const replayed = await command(url, 'alerts', 'replay', id)
    await until('it is sent again', () => soc.received.length === 2)

    expect(listed.out).toContain(id)
    expect(listed.out).toContain('soc delivered, gone pending')
    expect(shown.out).toContain('Two holders of one secret')
    expect(shown.out).toContain('It leads to an address that is not public.')
    expect(JSON.parse(json.out)).toMatchObject({ id, deliveries: [{}, { state: 'pending' }] })
    expect(replayed.out).toBe('Deliveries that are due again: 1.\n')
    expect(`${listed.out}${shown.out}${json.out}`).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u)
    const ids = soc.received.map(({ headers }) => headers['webhook-id'])
    expect(ids).toEqual([id, id])
  })

  test('sends a test to one target', async () => {
    const all = await watched()
    const url = await served(all)

    const sent = await command(url, 'alerts', 'test', '--target', 'soc')
    const message = await all.soc.next()

    expect(sent.code).toBe(0)
    expect(sent.out).toMatch(/^alert_[\w-]{22} is on its way to soc\.\n$/)
    expect(JSON.parse(message.body)).toMatchObject({
      type: 'alert.test',
      data: { title: 'Test of the alerts', incident: null },
    })
  })

  test.each([
    [['alerts', 'show', `alert_${'A'.repeat(22)}`], 'There is no such alert'],
    [['alerts', 'show', '../../../etc/passwd'], 'must be the id of an alert'],
    [['alerts', 'replay', `alert_${'A'.repeat(22)}`], 'There is no such alert'],
    [['alerts', 'test', '--target', 'nobody'], 'There is no target of that name.'],
    [['alerts', 'list', '--state', 'lost'], 'state must be one of'],
    [['alerts', 'list', '--limit', '100000'], 'limit must be'],
    [['alerts', 'list', '--after', "' OR 1=1"], 'after must be a cursor'],
  ])('says what is wrong with %j', async (args, problem) => {
    const url = await served(await watched())

    const { code, err } = await command(url, ...args)

    expect(code).toBe(1)
    expect(err).toContain(problem)
  })
})

test('reading takes the role audit, and acting the role admin', () => {
  const { alerts } = { alerts: {} as Alerting['alerts'] }

  const roles = alertCalls({ acts: NO_ACTS, alerts }).map(
    ({ method, roles }) => `${method} ${roles.join()}`,
  )

  expect(roles).toEqual(['get audit', 'get audit', 'post admin', 'post admin'])
})
