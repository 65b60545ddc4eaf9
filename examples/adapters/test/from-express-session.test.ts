import { createServer } from 'node:http'
import type * as Express from 'express'
import session from 'express-session'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { RawAnswer } from '../../../packages/holdfast/src/contracts/adapters/raw-http.ts'
import { type Visitor, visitor } from '../../../packages/holdfast/src/contracts/adapters/visitor.ts'
import type { OldParts } from '../src/from-express-session.ts'
import { listen, type Started } from '../src/program.ts'
import { DEMO } from '../src/users.ts'

const OLD = 'connect.sid'
const NEW = '__Host-session'

/** The versions that an application may have had all along, as they are installed here. */
const VERSIONS = ['express', 'express4']

describe.each(VERSIONS)('on %s', (version) => {
  const old: OldParts = { store: new session.MemoryStore(), secret: 'of the old application' }
  let before: Started
  let after: Started

  beforeAll(async () => {
    if (version !== 'express') vi.doMock('express', () => import('express4'))
    vi.resetModules()
    const { start } = await import('../src/from-express-session.ts')
    before = await startOldApplication()
    after = await start(0, old)
  })
  afterAll(async () => {
    await before.close()
    await after.close()
    vi.doUnmock('express')
  })

  /** The application as it was: express-session alone. */
  async function startOldApplication(): Promise<Started> {
    const { default: express } = await vi.importActual<typeof Express>(version)
    const app = express()
    app.use(session({ ...old, resave: false, saveUninitialized: false }))
    app.get('/login', (request, response) => {
      request.session.user = DEMO.name
      request.session.loggedInAt = Date.now()
      response.send('in')
    })
    return listen(createServer(app), 0)
  }

  /** A browser that logged in before the application changed. */
  async function loggedInBefore(): Promise<Visitor> {
    const cookieJar = new Map<string, string>()
    await visitor(before.url, { cookieJar }).send('/login')
    expect(cookieJar.has(OLD)).toBe(true)
    return browser(cookieJar)
  }

  function browser(cookieJar = new Map<string, string>()): Visitor {
    const headers = {
      accept: 'text/html',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    }
    return visitor(after.url, { headers, cookieJar })
  }

  /** As browsers do. */
  async function open(ada: Visitor, path = '/'): Promise<RawAnswer> {
    const answer = await ada.send(path)
    return answer.status === 307 ? ada.send(answer.header('location') ?? '') : answer
  }

  function post(ada: Visitor, path: string, form: Readonly<Record<string, string>> = {}) {
    return ada.send(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    })
  }

  test('whoever was logged in stays so, in a session of Holdfast under a new id', async () => {
    const ada = await loggedInBefore()

    const first = await ada.send('/')
    const page = await ada.send(first.header('location') ?? '')

    expect([first.status, first.header('location')]).toEqual([307, '/'])
    expect(first.header('cache-control')).toBe('no-store')
    expect(ada.cookie(NEW)).toMatch(/^hf1\./)
    expect(ada.cookie(OLD)).toBe('')
    expect(page.json()).toEqual({ user: DEMO.name, migrated: true })
  })

  test('from the second request on, Holdfast alone is asked', async () => {
    const ada = await loggedInBefore()
    await open(ada)

    old.store.clear?.()

    expect((await ada.send('/')).json()).toEqual({ user: DEMO.name, migrated: true })
  })

  test('a logout ends both', async () => {
    const ada = await loggedInBefore()
    const asBefore = ada.stolenBy()
    await open(ada)
    const asAfter = ada.stolenBy()

    const answer = await post(ada, '/logout')

    expect(answer.header('location')).toBe('/login')
    expect(ada.cookie(NEW)).toBeUndefined()
    for (const copy of [asBefore, asAfter]) expect(await isOut(copy)).toBe(true)
  })

  test('a logout before the first page ends the old session', async () => {
    const ada = await loggedInBefore()
    const copy = ada.stolenBy()

    await post(ada, '/logout')

    expect(await isOut(copy)).toBe(true)
  })

  test('an old cookie that was stolen brings no session after its owner has one', async () => {
    const ada = await loggedInBefore()
    const thief = ada.stolenBy({ 'user-agent': 'curl/8' })
    await open(ada)

    expect(await isOut(thief)).toBe(true)
    expect((await post(thief, '/note')).header('location')).toMatch(/^\/login/)
    expect(thief.cookie(NEW)).toBeUndefined()
    expect((await ada.send('/')).status).toBe(200)
  })

  test('ten tabs that open at once become one session', async () => {
    const ada = await loggedInBefore()

    const answers = await Promise.all(Array.from({ length: 10 }, () => ada.send('/')))
    const pages = await Promise.all(
      answers.map((answer) => ada.send(answer.header('location') ?? '')),
    )

    const given = answers.flatMap(({ setCookies }) =>
      setCookies.filter((line) => line.startsWith(NEW)),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(307))
    expect(given).toHaveLength(1)
    expect(pages.map(({ status }) => status)).toEqual(Array(10).fill(200))
  })

  test('what is posted from a page that was open still passes, and consumes nothing', async () => {
    const ada = await loggedInBefore()

    const answer = await post(ada, '/note')

    expect(answer.json()).toEqual({ user: DEMO.name })
    expect(ada.cookie(NEW)).toBeUndefined()
    expect((await open(ada)).json()).toMatchObject({ migrated: true })
  })

  test('another site cannot make a browser give up its old login', async () => {
    const ada = await loggedInBefore()
    const embedded = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'no-cors',
      'sec-fetch-dest': 'image',
    }

    await ada.send('/', { headers: embedded })

    expect(ada.cookie(NEW)).toBeUndefined()
    expect((await open(ada)).json()).toMatchObject({ user: DEMO.name, migrated: true })
  })

  test('who shows a token of Holdfast is judged by it, never by an old login', async () => {
    const cookieJar = new Map([[NEW, 'hf1.not.alive']])
    await visitor(before.url, { cookieJar }).send('/login')
    const headers = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }

    const answer = await browser(cookieJar).send('/', { headers })

    expect(answer.status).toBe(401)
    expect(answer.json()).toMatchObject({ code: 'token_malformed' })
  })

  test('a path that browsers would take for another site is not redirected to', async () => {
    const ada = await loggedInBefore()

    const answer = await ada.send('//evil.example/')

    expect(answer.header('location')).toBe('/')
  })

  test('a new login is Holdfast’s alone', async () => {
    const ada = browser()

    await post(ada, '/login', DEMO)

    expect(ada.cookie(OLD) ?? '').toBe('')
    expect((await ada.send('/')).json()).toEqual({ user: DEMO.name, migrated: false })
  })
})

/** Neither a session nor a page: for the first seconds "come again", then the login page. */
async function isOut(copy: Visitor): Promise<boolean> {
  const soon = await copy.send('/')
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 })
  const later = await copy.send('/')
  vi.useRealTimers()
  return (
    [soon, later].every(({ body }) => !body.includes(DEMO.name)) &&
    [303, 307].includes(soon.status) &&
    later.header('location')?.startsWith('/login') === true &&
    (copy.cookie(NEW) ?? '') === ''
  )
}
