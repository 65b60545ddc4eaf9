import { expect, test } from 'vitest'
import { totp } from '../src/users/totp.ts'

/** RFC 6238, appendix B, SHA-1: the ASCII secret 12345678901234567890, the last six of its eight digits. */
const RFC_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [2_000_000_000, '279037'],
])('shows the code of RFC 6238 at %i s', (seconds, code) => {
  expect(totp('ada', RFC_SECRET).code(seconds * 1000).code).toBe(code)
})

test('accepts a code once, and never one of a step before an accepted one', () => {
  const factor = totp('ada', RFC_SECRET)
  const now = 1_700_000_010_000
  const before = factor.code(now - 30_000).code
  const { code } = factor.code(now)

  expect(factor.accept(code, now)).toBe(true)
  expect(factor.accept(code, now)).toBe(false)
  expect(factor.accept(before, now)).toBe(false)
  expect(factor.accept(factor.code(now + 30_000).code, now + 30_000)).toBe(true)
})

test('refuses what is no code, a wrong code and a code of two steps ago', () => {
  const factor = totp('ada', RFC_SECRET)
  const now = 1_700_000_010_000
  const wrong = factor.code(now).code === '000000' ? '000001' : '000000'

  expect(factor.accept('12345', now)).toBe(false)
  expect(factor.accept(' 123456', now)).toBe(false)
  expect(factor.accept(wrong, now)).toBe(false)
  expect(factor.accept(factor.code(now - 60_000).code, now)).toBe(false)
})
