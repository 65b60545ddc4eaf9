import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { systemHost } from 'holdfast'
import { expect, onTestFinished, test } from 'vitest'
import { verifyAudit } from '../../src/audit/log/verify.ts'
import { startService } from '../../src/index.ts'
import { abroad, atHome, configOf, folder, KEYS } from '../support.ts'

const SUBJECT = 'ada.lovelace@example.com'

interface Asking {
  call(method: string, path: string, body?: unknown): Promise<Answer>
  close(): Promise<void>
  readonly log: () => string
}

interface Answer {
  readonly status: number
  readonly body: Body
}

/** What the tests look into of the answers of many calls. */
interface Body {
  readonly session: { readonly id: string }
  readonly token: string
  readonly refreshToken?: string
  readonly detail: string
  readonly items: readonly {
    readonly session: string
    readonly state: string
    readonly event: { readonly type: string }
    readonly personal: object | null
  }[]
}

async function service(env: Record<string, string>): Promise<Asking> {
  const lines: string[] = []
  const running = await startService(configOf(env), {
    host: systemHost(),
    log: { write: (line) => void lines.push(line) },
  })
  onTestFinished(() => running.close())
  return {
    async call(method, path, body) {
      const answer = await fetch(`${running.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${KEYS.all}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
    },
    close: () => running.close(),
    log: () => lines.join(''),
  }
}

interface Receiver {
  readonly url: string
  readonly got: readonly { type: string; data: Record<string, unknown> }[]
}

async function receiver(): Promise<Receiver> {
  const got: Receiver['got'][number][] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      got.push(JSON.parse(text))
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, got }
}

function withAlertsTo({ url }: Receiver, directory: string): Record<string, string> {
  const target = {
    type: 'webhook',
    url,
    secrets: [`whsec_${Buffer.alloc(24, 7).toString('base64')}`],
    allowPrivate: true,
  }
  return {
    HOLDFAST_AUDIT_DIRECTORY: directory,
    HOLDFAST_ALERTS: JSON.stringify({ targets: { ops: target } }),
  }
}

/** A refresh token is used by its holder, and then by a thief. Answers all tokens. */
async function theft({ call }: Asking): Promise<{ session: string; tokens: string[] }> {
  const login = await call('POST', '/v1/sessions', {
    subject: SUBJECT,
    amr: ['pwd'],
    refresh: true,
    request: atHome(),
  })
  expect(login.status).toBe(201)
  const { session, token, refreshToken } = login.body
  const refreshed = await call('POST', '/v1/refresh', { token: refreshToken, request: atHome() })
  expect(refreshed.status).toBe(200)
  const next = await call('POST', '/v1/refresh', {
    token: refreshed.body.refreshToken ?? refreshToken,
    request: atHome(),
  })
  const { refreshToken: second } = refreshed.body
  const tokens = [token, refreshToken, second, next.body.refreshToken]
  await call('POST', '/v1/reports', { kind: 'not_me', session: session.id })
  return { session: session.id, tokens: tokens.flatMap((one) => one ?? []) }
}

const textOf = (directory: string): string =>
  readdirSync(directory)
    .map((name) => readFileSync(join(directory, name), 'latin1'))
    .join('\n')

test('a theft becomes one incident and one alert, can be searched for, and is proven', async () => {
  const directory = join(folder(), 'audit')
  const to = await receiver()
  const asking = await service(withAlertsTo(to, directory))

  const { session, tokens } = await theft(asking)

  await expect.poll(() => to.got.length, { timeout: 20_000 }).toBe(1)
  const { body: incidents } = await asking.call('GET', '/v1/incidents')
  expect(incidents.items).toHaveLength(1)
  expect(incidents.items[0]).toMatchObject({ session, state: 'open' })
  const { body: found } = await asking.call('GET', `/v1/search/events?subject=${SUBJECT}`)
  expect(found.items.map(({ event }) => event.type)).toContain('session-revoked')
  expect(found.items.at(-1)?.personal).toMatchObject({ subject: SUBJECT, address: '192.0.2.10' })
  await asking.close()
  expect(await verifyAudit([directory])).toMatchObject({ ok: true, faults: [] })
  const everything = textOf(directory) + asking.log()
  for (const token of tokens) expect(everything).not.toContain(token)
})

test('an erased subject cannot be read any more, and the log still verifies', async () => {
  const directory = join(folder(), 'audit')
  const asking = await service({ HOLDFAST_AUDIT_DIRECTORY: directory })
  const { session } = await theft(asking)
  const searched = async (): Promise<Answer> =>
    asking.call('GET', `/v1/search/events?session=${session}`)
  await expect.poll(async () => (await searched()).body.items.length).toBeGreaterThan(1)

  const erased = await asking.call('POST', '/v1/audit/erase', { subject: SUBJECT })

  expect(erased.status).toBe(204)
  const { body } = await searched()
  for (const { personal } of body.items) expect(personal).toBeNull()
  await asking.close()
  expect(textOf(directory)).not.toContain(SUBJECT)
  expect(await verifyAudit([directory])).toMatchObject({ ok: true })
})

test('a service that starts again goes on with the log, and has everything once', async () => {
  const folders = folder()
  const directory = join(folders, 'audit')
  const env = {
    HOLDFAST_STORE: `lmdb:${join(folders, 'store')}`,
    HOLDFAST_AUDIT_DIRECTORY: directory,
  }
  for (let life = 0; life < 3; life++) {
    const asking = await service(env)
    for (let n = 0; n < 5; n++) {
      await asking.call('POST', '/v1/sessions', { subject: SUBJECT, request: abroad() })
    }
    await asking.close()
  }

  const asking = await service(env)
  const search = '/v1/search/events?type=session-established&limit=1000'
  const count = async (): Promise<number> => (await asking.call('GET', search)).body.items.length
  await expect.poll(count, { timeout: 20_000 }).toBe(15)
  await asking.close()
  expect(await verifyAudit([directory])).toMatchObject({ ok: true, faults: [] })
})

test('without an audit log every call about it says how to switch it on', async () => {
  const asking = await service({})

  for (const path of ['/v1/search/events', '/v1/incidents', '/v1/alerts']) {
    const { status, body } = await asking.call('GET', path)
    expect(status).toBe(404)
    expect(body.detail).toContain('HOLDFAST_AUDIT_DIRECTORY')
  }
})
