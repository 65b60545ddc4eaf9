import { fastify } from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import type { FastifyOptions } from '../../src/adapters/fastify.ts'
import { accessGuard, cookie, holdfast } from '../../src/adapters/fastify.ts'
import type { Sessions } from '../../src/core/sessions.ts'
import { harness, inMemory } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

const BUG = new TypeError('secret hf1.x of /srv/app/keys.ts')
const bug = (): never => {
  throw BUG
}
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

interface Way {
  readonly sessions?: Partial<Sessions>
  readonly options?: FastifyOptions
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Each way in which a bug comes out of a call, or a hook, of the adapter. */
const WAYS: readonly (readonly [string, Way])[] = [
  ['the engine', { sessions: { verify: async () => bug() } }],
  ['a carrier', { options: { carriers: [{ ...cookie(), read: bug }] } }],
  ['a wording', { options: { onRefusal: bug }, headers: { cookie: '' } }],
  ['the reading of a form', { options: { formToken: bug }, headers: FORM }],
  ['a login', { sessions: { create: async () => bug() }, path: '/login' }],
  [
    'a refresh',
    { options: { refresh: {} }, sessions: { refresh: async () => bug() }, path: '/refresh' },
  ],
  ['a logout', { sessions: { logout: async () => bug() }, path: '/logout' }],
  ['an access token', { path: '/access' }],
]

test.each(WAYS)('a bug in %s: 500, its message stays in the log', async (_, way) => {
  const { sessions, loginForRefresh } = await harness(inMemory)
  const { token, refreshToken } = await loginForRefresh()
  const verify: Sessions['verify'] = (presented) =>
    sessions.verify({ ...presented, request: atHome() })
  const hf = holdfast({ ...sessions, verify, ...way.sessions }, way.options)
  const access = accessGuard({ verify: bug, checkRequirements: () => {} })
  const app = fastify()
  onTestFinished(() => app.close())
  const caught: unknown[] = []
  app.addHook('onError', async (_request, _reply, error) => {
    caught.push(error.cause)
  })
  app.addContentTypeParser(FORM['content-type'], (_request, _body, done) => done(null, {}))
  app.post('/me', { preHandler: hf.requireSession() }, async () => 'passed')
  app.post('/login', async (request, reply) => {
    await hf.login(request, reply, { subject: 'ada' })
    return 'passed'
  })
  app.post('/logout', async (request, reply) => {
    await hf.logout(request, reply)
    return 'passed'
  })
  app.post('/refresh', (request, reply) => hf.refresh(request, reply))
  app.post('/access', { onRequest: access.requireAccess() }, async () => 'passed')

  const answer = await app.inject({
    method: 'POST',
    url: way.path ?? '/me',
    headers: {
      host: 'localhost',
      'sec-fetch-site': 'same-origin',
      cookie: `__Host-session=${token}; __Secure-refresh=${refreshToken}`,
      authorization: way.path === '/access' ? 'Bearer a.b.c' : '',
      ...way.headers,
    },
  })

  expect(answer.statusCode).toBe(500)
  expect(answer.body).not.toContain('secret')
  expect(caught).toEqual([BUG])
})
