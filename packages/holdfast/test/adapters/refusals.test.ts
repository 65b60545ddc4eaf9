import { describe, expect, test } from 'vitest'
import { carriersOf } from '../../src/adapters/guard/options.ts'
import { problemRefusal, refusals } from '../../src/adapters/guard/refusals.ts'
import { cookie } from '../../src/carriers/cookie.ts'
import { CODES, type Code } from '../../src/core/errors.ts'

const codes = Object.entries(CODES).map(([code, facts]) => ({ code: code as Code, ...facts }))

function headersOf(code: Code): Readonly<Record<string, string>> {
  const { refuse } = refusals({}, carriersOf({}), () => undefined)
  const { refusal } = refuse(facts, { code, carrier: cookie() })
  return Object.fromEntries(refusal.headers)
}

const facts = {
  method: 'GET',
  url: '/account',
  peer: '127.0.0.1',
  encrypted: true,
  header: () => undefined,
}

describe('every code', () => {
  test.each(codes)('$code is answered with $status and its name', ({ code, status }) => {
    const refusal = problemRefusal({ code })

    expect(refusal.status).toBe(status)
    expect(JSON.parse(refusal.body)).toMatchObject({
      type: `urn:holdfast:code:${code}`,
      title: code.replaceAll('_', ' '),
      status,
      code,
    })
    expect(headersOf(code)).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    })
  })

  test.each(codes)('$code takes the cookie away: $clears', ({ code, clears }) => {
    expect(headersOf(code)['set-cookie']).toBe(clears ? cookie().clear() : undefined)
  })

  test.each(codes)('$code has a challenge with 401, a pause with 503', ({ code, status }) => {
    const headers = headersOf(code)

    expect('www-authenticate' in headers).toBe(status === 401)
    expect('retry-after' in headers).toBe(status === 503 || status === 429)
  })
})

test('a step-up says in RFC 9470’s words what is missing; a quote cannot break out', () => {
  const { headers, body } = problemRefusal({
    code: 'step_up_required',
    requirements: { acr: 'aal2", evil="\\\r\nx: y', maxAgeMs: 90_500 },
  })

  expect(Object.fromEntries(headers)['www-authenticate']).toBe(
    'Bearer error="insufficient_user_authentication", error_description="step_up_required", ' +
      'acr_values="aal2, evil=x: y", max_age="90"',
  )
  expect(JSON.parse(body)).toMatchObject({ max_age: 90 })
})

test('a fault of ours tells the client nothing about its reason', () => {
  const { body } = problemRefusal({ code: 'store_unavailable' })

  expect(JSON.parse(body)).toMatchObject({ detail: 'Nothing was decided. Try again.' })
})
