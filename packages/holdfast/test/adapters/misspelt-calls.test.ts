import { expect, onTestFinished, test } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import { SESSION_COOKIE } from '../../src/carriers/names.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'

/** A person who is logged in, and a form of this site. */
async function scene() {
  const { sessions, now, close } = await engineHarness()
  onTestFinished(close)
  const warned: string[] = []
  const hf = guard(sessions, { now, onWarning: (message) => warned.push(message) })
  const request = { ip: '127.0.0.1', method: 'POST', url: '/login', headers: {} }
  const created = await sessions.create({ subject: 'ada', request })
  if (!created.ok) throw new Error(created.code)

  function form(more: Readonly<Record<string, string>> = {}): HttpFacts {
    const headers: Readonly<Record<string, string>> = {
      cookie: `${SESSION_COOKIE}=${created.ok ? created.token : ''}`,
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-site': 'same-origin',
      ...more,
    }
    return {
      method: 'POST',
      url: '/login',
      peer: '127.0.0.1',
      encrypted: true,
      header: (name) => headers[name],
    }
  }
  return { hf, form, warned, formToken: created.session.formToken }
}

test('a form without its form token passes an optional route without a session', async () => {
  const { hf, form, warned } = await scene()

  const passed = await hf.optional()(form())

  expect(passed).toMatchObject({ ok: true, session: undefined, refused: 'form_token_invalid' })
  expect(warned).toEqual([expect.stringContaining('`session.formToken` in the field `_form`')])
  await hf.optional()(form())
  expect(warned).toHaveLength(1)
})

test('a form with a foreign form token passes no route', async () => {
  const { hf, form, formToken } = await scene()
  const refused = { ok: false, code: 'form_token_invalid' }

  expect(await hf.optional()(form({ 'x-form-token': 'of another session' }))).toMatchObject(refused)
  expect(await hf.require()(form())).toMatchObject(refused)
  expect(await hf.optional()(form({ 'x-form-token': formToken }))).toMatchObject({
    ok: true,
    session: { subject: 'ada' },
  })
})

test.each<[string, (hf: Awaited<ReturnType<typeof scene>>, facts: HttpFacts) => unknown, string]>([
  [
    'login, a factor misspelt',
    ({ hf }, facts) => hf.login(facts, { subject: 'ada', fators: ['otp'] } as never),
    'fators is not an option. Did you mean factors?',
  ],
  [
    'login, a name of another library',
    ({ hf }, facts) => hf.login(facts, { subject: 'ada', remember: true } as never),
    'remember is not an option. There are: subject, tenant, class',
  ],
  [
    'login, a number for a subject',
    ({ hf }, facts) => hf.login(facts, { subject: 1 } as never),
    'subject must be text, and is a number. Write String(user.id).',
  ],
  [
    'login without anybody',
    ({ hf }, facts) => hf.login(facts, undefined as never),
    'needs an object with subject',
  ],
  [
    'beginStepUp',
    ({ hf }, facts) => hf.beginStepUp(facts, { acrr: 'mfa' } as never),
    'acrr is not an option. Did you mean acr?',
  ],
  [
    'completeStepUp',
    ({ hf }, facts) => hf.completeStepUp(facts, { challange: 'x', subject: 'ada' } as never),
    'challange is not an option. Did you mean challenge?',
  ],
])('%s is told by name at the first call', async (_, call, message) => {
  const world = await scene()

  await expect(async () => call(world, world.form())).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining(message),
  })
})

test('a guard that was not called says how it is called', async () => {
  const { hf, form } = await scene()
  const request = { headers: {}, ...form() }

  expect(() => hf.require(request as never)).toThrow('app.get(path, requireSession(), handler)')
})
