import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bearer } from '../../src/carriers/bearer.ts'

const token = `hf1.${'A'.repeat(43)}.${'B'.repeat(116)}`

function read(header: string | readonly string[] | undefined) {
  return bearer().read((name) => (name === 'authorization' ? header : undefined))
}

test.each([[`Bearer ${token}`], [`bearer ${token}`], [`BEARER   ${token}`], [[`Bearer ${token}`]]])(
  'takes the token of %j',
  (header) => {
    expect(read(header)).toEqual({ ok: true, token })
  },
)

test.each([
  [undefined, 'token_missing'],
  [[], 'token_missing'],
  ['', 'token_missing'],
  ['Basic YTpi', 'token_missing'],
  ['Bearerx', 'token_missing'],
  ['Bearer', 'token_malformed'],
  ['Bearer ', 'token_malformed'],
  [`Bearer ${'x'.repeat(165)}`, 'token_malformed'],
  [[`Bearer ${token}`, `Bearer ${token}`], 'token_duplicated'],
  [`Bearer ${token}, Bearer ${token}`, 'token_duplicated'],
])('%j: %s', (header, code) => {
  expect(read(header)).toEqual({ ok: false, code })
})

test('its answers cannot carry a token, and browsers do not send it unasked', () => {
  expect(bearer()).not.toHaveProperty('deliver')
  expect(bearer().ambient).toBe(false)
})

test('no header makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const carried = read(`Bearer ${text}`)
      if (carried.ok) expect(text).toContain(carried.token)
      else expect(['token_malformed', 'token_duplicated']).toContain(carried.code)
    }),
  )
})
