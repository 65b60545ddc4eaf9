import { createSessions, newKeyring, SessionError } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { holdfast } from 'holdfast/node'
import { describe, expect, test } from 'vitest'
import { attempt } from '../../src/adapters/guard/faults.ts'

const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })

describe('a service with wrong options does not start', () => {
  test.each([
    [{ loginPage: 'https://evil.example/login' }, 'loginPage'],
    [{ stepUpPage: '//evil.example' }, 'stepUpPage'],
    [{ stepUpPage: '/step-up#now' }, 'stepUpPage'],
    [{ carriers: [] }, 'carriers'],
    [{ origins: ['app.example'] }, 'origins'],
    [{ address: { trust: { proxies: ['everybody'] } } }, 'trust'],
  ])('%j', (options, field) => {
    expect(() => holdfast(sessions, options)).toThrowError(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining(field),
      }),
    )
  })

  test.each([[{ maxAge: 0 }], [{ maxAge: 1.5 }], [{ acr: '' }], [{ acr: 'x'.repeat(65) }]])(
    'a route that demands %j',
    (requirements) => {
      const { requireSession } = holdfast(sessions)

      expect(() => requireSession(requirements)).toThrowError(
        expect.objectContaining({ code: 'config_invalid' }),
      )
    },
  )
})

describe('a call of the engine that throws', () => {
  test('a fault becomes its code, also from another copy of the library', async () => {
    const foreign = Object.assign(new Error('no answer'), { code: 'store_unavailable' })

    const own = attempt(() => Promise.reject(new SessionError('key_unknown', 'gone')))

    expect(await own).toEqual({ ok: false, code: 'key_unknown' })
    expect(await attempt(() => Promise.reject(foreign))).toMatchObject({
      code: 'store_unavailable',
    })
  })

  test.each([
    new TypeError('a bug'),
    Object.assign(new Error('socket'), { code: 'ECONNRESET' }),
    Object.assign(new Error('a refusal is no fault'), { code: 'token_missing' }),
    Object.assign(new Error('inherited'), { code: 'toString' }),
  ])('%s is a bug and no decision; its message stays out of the answer', async (error) => {
    const thrown = await attempt(() => Promise.reject(error)).catch((caught: unknown) => caught)

    expect(thrown).toMatchObject({ code: 'internal_error', cause: error })
    expect(String(thrown)).not.toContain(error.message)
  })
})
