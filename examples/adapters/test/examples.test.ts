import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RawAnswer } from '../../../packages/holdfast/src/contracts/adapters/raw-http.ts'
import { type Visitor, visitor } from '../../../packages/holdfast/src/contracts/adapters/visitor.ts'
import { start as startExpress } from '../src/express.ts'
import { start as startFastify } from '../src/fastify.ts'
import { start as startFetch } from '../src/fetch.ts'
import { start as startHono } from '../src/hono.ts'
import { start as startKoa } from '../src/koa.ts'
import { start as startNest } from '../src/nest.ts'
import { start as startNode } from '../src/node.ts'
import type { Started } from '../src/program.ts'
import { DEMO } from '../src/users.ts'

const EXAMPLES = [
  ['express', startExpress],
  ['fastify', startFastify],
  ['fetch', startFetch],
  ['hono', startHono],
  ['koa', startKoa],
  ['nest', startNest],
  ['node', startNode],
] as const

const COOKIE = '__Host-session'
const HTML = /^text\/html; charset=utf-8$/i
const PROGRAM = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }

type Fields = Readonly<Record<string, string>>

describe.each(EXAMPLES)('the example for %s', (_, start) => {
  let example: Started

  beforeAll(async () => {
    example = await start(0)
  })
  afterAll(() => example.close())

  /** Somebody with a browser: they load pages, and send the forms of pages. */
  function person(): Visitor {
    const headers = {
      accept: 'text/html',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    }
    return visitor(example.url, { headers })
  }

  async function loggedIn(): Promise<Visitor> {
    const ada = person()
    await post(ada, '/login', DEMO)
    return ada
  }

  test('leads a person without a session to the login page, and back again', async () => {
    const nobody = person()

    const answer = await nobody.send('/api-key')
    const login = answer.header('location') ?? ''
    const page = await nobody.send(login)
    const back = await post(nobody, login, DEMO)

    expect([answer.status, login]).toEqual([303, '/login?return=%2Fapi-key'])
    expect(page.header('content-type')).toMatch(HTML)
    expect(page.body).toContain(DEMO.password)
    expect([back.status, back.header('location')]).toEqual([303, '/api-key'])
  })

  test('gives a program without a session a 401 that says why', async () => {
    const answer = await person().send('/', { headers: PROGRAM })

    expect(answer.status).toBe(401)
    expect(answer.json()).toMatchObject({ code: 'token_missing' })
  })

  test.each<[string, Fields]>([
    ['a wrong password', { name: DEMO.name, password: 'difference-engine' }],
    ['a name that nobody has', { name: 'grace', password: DEMO.password }],
    ['an empty form', {}],
  ])('starts no session for %s', async (_title, form) => {
    const guest = person()

    const answer = await post(guest, '/login', form)

    expect(answer.status).toBe(401)
    expect(answer.body).toContain('Name or password is wrong.')
    expect(guest.cookie(COOKIE)).toBeUndefined()
  })

  test('redirects to no other site after a login', async () => {
    const answer = await post(person(), '/login?return=//evil.example', DEMO)

    expect(answer.header('location')).toBe('/')
  })

  test('refuses a login that another site posts', async () => {
    const guest = person()

    const answer = await post(guest, '/login', DEMO, { 'sec-fetch-site': 'cross-site' })

    expect(answer.status).toBe(403)
    expect(guest.cookie(COOKIE)).toBeUndefined()
  })

  test('shows the page to whoever has logged in', async () => {
    const ada = await loggedIn()

    const answer = await ada.send('/')

    expect(answer.status).toBe(200)
    expect(answer.header('content-type')).toMatch(HTML)
    expect(answer.body).toContain(`Hello ${DEMO.name}.`)
  })

  test('changes the secret on the sensitive route', async () => {
    const ada = await loggedIn()
    const before = ada.cookie(COOKIE)

    const answer = await ada.send('/api-key')

    expect(answer.status).toBe(200)
    expect(answer.header('content-type')).toMatch(/^text\/plain/)
    expect(answer.body).toBe(`The API key of ${DEMO.name}\n`)
    expect(ada.cookie(COOKIE)).not.toBe(before)
    expect((await ada.send('/')).status).toBe(200)
  })

  test('takes a form with its token, and shows as text what was written', async () => {
    const ada = await loggedIn()

    const _form = await formTokenOf(ada)
    const answer = await post(ada, '/note', { note: '<b>tea & cake</b>', _form })

    expect([answer.status, answer.header('location')]).toEqual([303, '/'])
    expect((await ada.send('/')).body).toContain('&lt;b&gt;tea &amp; cake&lt;/b&gt;')
  })

  test('refuses a form without its token, or with that of another session', async () => {
    const foreign = await formTokenOf(await loggedIn())
    const ada = await loggedIn()

    const without = await post(ada, '/note', { note: 'forged' })
    const wrong = await post(ada, '/note', { note: 'forged', _form: foreign })

    expect([without.status, wrong.status]).toEqual([403, 403])
    expect(without.json()).toMatchObject({ code: 'form_token_invalid' })
    expect((await ada.send('/')).body).not.toContain('forged')
  })

  test('refuses a form that is too long', async () => {
    const ada = await loggedIn()

    const _form = await formTokenOf(ada)
    const answer = await post(ada, '/note', { note: 'x'.repeat(20_000), _form })

    expect(answer.status).toBe(413)
    expect((await ada.send('/')).body).not.toContain('xxx')
  })

  test('makes no session and no fault of a form that cannot be read', async () => {
    const guest = person()

    const headers = { 'content-type': 'multipart/form-data' }
    const answer = await guest.send('/login', { method: 'POST', headers, body: 'no boundary' })

    expect([401, 415]).toContain(answer.status)
    expect(guest.cookie(COOKIE)).toBeUndefined()
  })

  test('refuses a copy of the cookie after the logout', async () => {
    const ada = await loggedIn()
    const thief = ada.stolenBy()
    const before = await thief.send('/')

    const answer = await post(ada, '/logout', {})
    const replayed = await thief.send('/', { headers: PROGRAM })

    expect(before.status).toBe(200)
    expect([answer.status, answer.header('location')]).toEqual([303, '/login'])
    expect(ada.cookie(COOKIE)).toBeUndefined()
    expect(replayed.status).toBe(401)
    expect(replayed.json()).toMatchObject({ code: 'session_unknown' })
  })
})

function post(
  sender: Visitor,
  path: string,
  form: Fields,
  headers: Fields = {},
): Promise<RawAnswer> {
  return sender.send(path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  })
}

async function formTokenOf(reader: Visitor): Promise<string> {
  const { body } = await reader.send('/')
  const [, token] = /name="_form" value="([^"]+)"/.exec(body) ?? []
  if (token === undefined) throw new Error('The page has no form token.')
  return token
}
