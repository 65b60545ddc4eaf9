import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { expect, onTestFinished, test } from 'vitest'
import type { NoticeMessage } from '../../src/audit/alerts/notices/notice-target.ts'
import { checkConfig } from '../../src/config/load.ts'
import { startService } from '../../src/index.ts'
import { abroad, atHome, configOf, folder, KEYS } from '../support.ts'
import { type Received, type Receiver, receiver } from './alerts/support.ts'

const SECRET = `whsec_${Buffer.alloc(24, 5).toString('base64')}`
const PAGE = 'https://shop.example/session-notice'
const ADA = 'ada.lovelace@example.com'

function settings(app: Pick<Receiver, 'url'>, directory: string): Record<string, string> {
  return {
    HOLDFAST_AUDIT_DIRECTORY: directory,
    HOLDFAST_NOTICES: JSON.stringify({
      url: PAGE,
      product: 'Kelp & Keel',
      webhook: { url: app.url, secrets: [SECRET], allowPrivate: true },
    }),
  }
}

interface Shop {
  readonly directory: string
  readonly log: () => string
  /** A login at home, and the same token from abroad. */
  theft(): Promise<{ readonly session: string; readonly token: string }>
  verifyAtHome(token: string): Promise<{ readonly code?: string }>
  /** The page as a proxy in front of it passes it on. */
  page(link: string): Promise<Response>
  press(link: string): Promise<Response>
  alerts(): Promise<string>
  close(): Promise<void>
}

async function shop(app: Pick<Receiver, 'url'>): Promise<Shop> {
  const directory = join(folder(), 'audit')
  const lines: string[] = []
  const service = await startService(configOf(settings(app, directory)), {
    log: { write: (line) => void lines.push(line) },
  })
  onTestFinished(() => service.close())

  async function call(path: string, body?: unknown): Promise<Response> {
    return fetch(`${service.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${KEYS.all}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }

  const here = (link: string): URL => {
    const { pathname, search } = new URL(link)
    return new URL(`${pathname}${search}`, service.url)
  }

  return {
    directory,
    log: () => lines.join(''),
    async theft() {
      const login = { subject: ADA, amr: ['pwd'], factors: ['otp'], request: atHome() }
      const { session, token } = await (await call('/v1/sessions', login)).json()
      await call('/v1/verify', { token, request: abroad() })
      return { session: session.id, token }
    },
    async verifyAtHome(token) {
      return (await call('/v1/verify', { token, request: atHome() })).json()
    },
    page: (link) => fetch(here(link)),
    press(link) {
      const body = new URLSearchParams({ t: here(link).searchParams.get('t') ?? '' })
      return fetch(new URL(here(link).pathname, service.url), { method: 'POST', body })
    },
    alerts: async () => (await call('/v1/alerts')).text(),
    close: () => service.close(),
  }
}

function messageOf({ body, headers }: Received): NoticeMessage {
  new Webhook(SECRET).verify(body, {
    'webhook-id': String(headers['webhook-id']),
    'webhook-timestamp': String(headers['webhook-timestamp']),
    'webhook-signature': String(headers['webhook-signature']),
  })
  return JSON.parse(body)
}

test('a copied token abroad is one signed notice, and its "not me" ends the session', async () => {
  const app = await receiver()
  const { theft, verifyAtHome, page, press, alerts, log, directory, close } = await shop(app)

  const { session, token } = await theft()
  const { type, data } = messageOf(await app.next())

  expect(type).toBe('notice.new_device')
  expect(data).toMatchObject({ subject: ADA, session, address: '203.0.113.66' })
  const { me, notMe } = data.links ?? { me: '', notMe: '' }
  expect(notMe).toMatch(/^https:\/\/shop\.example\/session-notice\?t=[\w-]{118}$/)
  expect(data.mail.subject).toBe('Kelp & Keel: a new device uses your account')
  for (const link of [me, notMe]) expect(data.mail.text).toContain(link)

  const asked = await page(notMe)
  expect(asked.status).toBe(200)
  expect(asked.headers.get('content-security-policy')).toContain("form-action 'self'")
  expect(await asked.text()).toContain('<form method="post" action="/session-notice">')
  expect((await verifyAtHome(token)).code).toBeUndefined()

  const pressed = await press(notMe)
  expect(await pressed.text()).toContain('The session is over')
  expect((await verifyAtHome(token)).code).toMatch(/^session_/)
  expect((await press(notMe)).status).toBe(410)

  const listed = await alerts()
  expect(listed).toContain('Notice to the subject: new_device')
  await close()
  expect(app.received).toHaveLength(1)
  const files = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'latin1'))
  const secrets = [me, notMe].map((link) => new URL(link).searchParams.get('t') ?? '')
  for (const secret of secrets) expect(`${files.join()}${log()}${listed}`).not.toContain(secret)
  expect(listed).not.toContain('203.0.113.66')
})

test('an application that fails at first gets the same notice again, by the same id', async () => {
  let failures = 0
  const app = await receiver((response) => {
    failures += 1
    response.writeHead(failures === 1 ? 500 : 204).end()
  })
  const { theft } = await shop(app)

  await theft()
  const [first, second] = [await app.next(), await app.next()]

  expect(second.headers['webhook-id']).toBe(first.headers['webhook-id'])
  expect(messageOf(second)).toEqual(messageOf(first))
})

test('the page is there for browsers alone: no key opens more, no other method acts', async () => {
  const app = await receiver()
  const { page } = await shop(app)

  const broken = await page(`${PAGE}?t=nothing`)
  const beside = await page('https://shop.example/session-notice/more')

  expect([broken.status, beside.status]).toEqual([400, 404])
  expect(broken.headers.get('cache-control')).toBe('no-store')
  expect(await broken.text()).toContain('Code: link_invalid')
})

test.each([
  ['without an audit log', { HOLDFAST_AUDIT_DIRECTORY: '' }, 'do not name the subject'],
  ['where events say less', { HOLDFAST_AUDIT_PERSONAL: 'network' }, 'do not name the subject'],
  ['over a call of the API', { url: 'https://shop.example/v1/verify' }, 'a path of its own'],
  ['at a pattern', { url: 'https://shop.example/:any' }, 'a path of its own'],
  ['with a query', { url: 'https://shop.example/n?a=b' }, 'without credentials, query'],
])('notices %s are refused at the start', (_, changes, problem) => {
  const { url = PAGE, ...env } = changes as Record<string, string>
  const given = settings({ url: 'https://app.example/hook' }, 'audit')

  const checked = checkConfig({
    env: {
      HOLDFAST_API_KEYS: 'a:app:a-secret-long-enough',
      ...given,
      HOLDFAST_NOTICES: (given.HOLDFAST_NOTICES ?? '').replace(PAGE, url),
      ...env,
    },
  })

  const problems = checked.ok ? [] : checked.problems
  expect(problems).toMatchObject([{ problem: expect.stringContaining(problem) }])
  expect(JSON.stringify(problems)).not.toContain(SECRET)
})
