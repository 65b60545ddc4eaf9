import { describe, expect, onTestFinished, test } from 'vitest'
import type { RefusedAccess } from '../../src/adapters/public.ts'
import { expectRefusal } from '../../src/contracts/adapters/adapter-answers.ts'
import {
  type RawAnswer,
  type RawRequest,
  rawRequest,
} from '../../src/contracts/adapters/raw-http.ts'
import { SessionError } from '../../src/core/errors.ts'
import { CLAIMS, ED, NOW, ours, revocationsAt, tokenBy } from '../support/access-tokens.ts'
import { SERVICES } from './apps/access.ts'

const GOOD = tokenBy(ED)

describe.each(SERVICES)('access tokens on %s', (_, start) => {
  async function service(options: Parameters<typeof ours>[0] = {}): Promise<{
    ask(headers: RawRequest['headers'], path?: string): Promise<RawAnswer>
    refused: RefusedAccess[]
  }> {
    const refused: RefusedAccess[] = []
    const { origin, close } = await start(ours(options), {
      onRefused: (one) => void refused.push(one),
    })
    onTestFinished(close)
    return {
      refused,
      ask: (headers = [], path = '/me') => rawRequest(`${origin}${path}`, { headers }),
    }
  }

  test('a token passes, and the handler has its claims', async () => {
    const { ask } = await service()

    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const answer = await ask([['authorization', `${scheme} ${GOOD}`]])
      expect(answer.status).toBe(200)
      expect(answer.json()).toEqual(CLAIMS)
    }
  })

  test('nothing but a bearer token in its header counts, no cookie, no query', async () => {
    const { ask, refused } = await service()

    for (const headers of [
      [],
      [['authorization', 'Basic YWRhOng=']],
      [['authorization', `DPoP ${GOOD}`]],
      [['cookie', `access_token=${GOOD}`]],
    ] as const) {
      const answer = await ask(headers, `/me?access_token=${GOOD}`)
      expectRefusal(answer, 401, 'token_missing')
      expect(answer.header('www-authenticate')).toBe('Bearer')
      expect(answer.setCookies).toEqual([])
    }
    expect(refused[0]).toMatchObject({ code: 'token_missing', method: 'GET' })
  })

  test('two Authorization lines are refused, and so is a joined one', async () => {
    const { ask } = await service()
    const bad = tokenBy(ED, { claims: { sub: 'eve', iss: 'https://evil.example' } })

    for (const pair of [
      [GOOD, bad],
      [bad, GOOD],
      [GOOD, GOOD],
    ]) {
      const lines = pair.map((token) => ['Authorization', `Bearer ${token}`] as const)
      expectRefusal(await ask(lines), 401, 'token_duplicated')
      const joined = pair.map((token) => `Bearer ${token}`).join(', ')
      expectRefusal(await ask([['authorization', joined]]), 401, 'token_duplicated')
    }
  })

  test('whatever else a request says of its user is nobody’s word', async () => {
    const { ask } = await service()
    const said = ['x-user-id', 'x_user_id', 'x-forwarded-user', 'x-forwarded-access-token', 'sub']

    const answer = await ask([
      ...said.map((name) => [name, 'eve'] as const),
      ['authorization', `Bearer ${GOOD}`],
    ])
    expect(answer.json()).toMatchObject({ sub: 'ada' })
    expectRefusal(await ask(said.map((name) => [name, 'eve'] as const)), 401, 'token_missing')
  })

  test('a forged token and an expired one have codes of their own', async () => {
    const { ask, refused } = await service({ now: () => NOW + 200_000 })
    const forged = `${GOOD.slice(0, -8)}AAAAAAAA`

    const wrong = await ask([['authorization', `Bearer ${forged}`]])
    const late = await ask([['authorization', `Bearer ${GOOD}`]])

    expectRefusal(wrong, 401, 'access_token_invalid')
    expectRefusal(late, 401, 'access_token_expired')
    expect(wrong.header('www-authenticate')).toBe(
      'Bearer error="invalid_token", error_description="access_token_invalid"',
    )
    expect(wrong.body).not.toContain('signature')
    expect(refused.map(({ reason }) => reason)).toEqual([
      'the signature is wrong',
      'exp has passed',
    ])
    expect(JSON.stringify(refused)).not.toContain(forged.slice(-30))
  })

  test.each(['', 'x'.repeat(9_000)])(
    'a token of no size or too much is no token',
    async (token) => {
      const { ask } = await service()

      const answer = await ask([['authorization', `Bearer ${token}`]])
      expect(answer.status).toBe(401)
      expect(answer.json()).toMatchObject({ code: 'access_token_invalid' })
    },
  )

  test('a revoked session ends the next request, and no cookie is taken away', async () => {
    const at = { state: 'fresh' as const, revoked: [] as string[] }
    const { ask } = await service({ revocations: revocationsAt(at) })
    const good = [['authorization', `Bearer ${GOOD}`]] as const

    expect((await ask(good)).status).toBe(200)
    at.revoked.push(CLAIMS.sid)
    const answer = await ask(good)
    expectRefusal(answer, 401, 'session_revoked')
    expect(answer.setCookies).toEqual([])
  })

  test('a route may ask for more, and says what for (RFC 9470)', async () => {
    const { ask } = await service()

    const answer = await ask([['authorization', `Bearer ${GOOD}`]], '/strong')
    expectRefusal(answer, 401, 'step_up_required')
    expect(answer.json()).toMatchObject({ acr_values: 'aal3', max_age: 60 })
    expect(answer.header('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", error_description="step_up_required", ' +
        'acr_values="aal3", max_age="60"',
    )
  })

  test('where nothing could be decided, the answer is 503 with a pause, never a 401', async () => {
    const { ask } = await service({
      keys: { find: () => Promise.reject(new SessionError('keys_unavailable', 'away')) },
    })

    const answer = await ask([['authorization', `Bearer ${GOOD}`]])
    expectRefusal(answer, 503, 'keys_unavailable')
    expect(answer.header('retry-after')).toBe('1')
    expect(answer.header('www-authenticate')).toBeUndefined()
  })

  test('what is no coded fault is a bug, and never an allow', async () => {
    const { ask } = await service({ keys: { find: () => Promise.reject(new Error('a bug')) } })

    await expect(ask([['authorization', `Bearer ${GOOD}`]])).resolves.toMatchObject({ status: 500 })
  })
})
