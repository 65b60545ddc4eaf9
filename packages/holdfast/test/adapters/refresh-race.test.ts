import { expect, test } from 'vitest'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'
import { cookie } from '../../src/carriers/cookie.ts'
import { REFRESH_COOKIE } from '../../src/carriers/names.ts'
import { engineHarness } from '../../src/contracts/adapters/adapter-harness.ts'

function factsOf(path: string, cookie = ''): HttpFacts {
  const headers: Readonly<Record<string, string>> = { cookie, 'sec-fetch-site': 'same-origin' }
  return {
    method: 'POST',
    url: path,
    peer: '127.0.0.1',
    encrypted: true,
    header: (name) => headers[name],
  }
}

function cookiesIn(headers: readonly (readonly [string, string])[]): readonly string[] {
  return headers.flatMap(([name, value]) =>
    name === 'set-cookie' ? [value.split(';')[0] ?? ''] : [],
  )
}

test('a refresh that is answered after a step-up keeps the newer refresh cookie', async () => {
  const { sessions, now, close } = await engineHarness()
  let meanwhile = async (): Promise<void> => {}
  const slow = {
    ...sessions,
    refresh: async (...args: Parameters<typeof sessions.refresh>) => {
      const refreshed = await sessions.refresh(...args)
      await meanwhile()
      return refreshed
    },
  }
  const sessionGuard = guard(slow, { now, refresh: {} })
  const login = await sessionGuard.login(factsOf('/login'), { subject: 'ada', factors: ['otp'] })
  const [session = '', refresh = ''] = login.ok ? cookiesIn(login.headers()) : []
  meanwhile = async () => {
    const begun = await sessionGuard.beginStepUp(factsOf('/step-up', session))
    if (!begun.ok) throw new Error(begun.code)
    const { challenge, subject } = begun
    await sessionGuard.completeStepUp(factsOf('/step-up', session), { challenge, subject })
  }

  const answer = await sessionGuard.refresh(factsOf('/refresh', refresh))

  expect(answer.status).toBe(200)
  expect(cookiesIn(answer.headers)).toEqual([])
  expect(answer.body).not.toContain('hf1.')
  await close()
})

test('a guard without the option has no refresh endpoint, and says so', async () => {
  const { sessions, close } = await engineHarness()

  await expect(guard(sessions).refresh(factsOf('/refresh'))).rejects.toMatchObject({
    code: 'config_invalid',
  })
  expect(() => guard(sessions, { refresh: { path: 'refresh' } })).toThrow('path')
  expect(() => guard(sessions, { refresh: { cookieName: '__Host-session' } })).toThrow()
  expect(() =>
    guard(sessions, { carriers: [cookie({ name: REFRESH_COOKIE })], refresh: {} }),
  ).toThrow('refresh.cookieName')
  await close()
})
