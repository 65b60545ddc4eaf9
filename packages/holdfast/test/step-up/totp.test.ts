import { expect, test } from 'vitest'
import { checkSecret, matchingStep, stepAt, totpCode, totpUri } from '../../src/step-up/totp.ts'

/** RFC 6238, appendix B, SHA-1: the ASCII secret 12345678901234567890, the last six of its eight digits. */
const RFC_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [2_000_000_000, '279037'],
])('shows the code of RFC 6238 at %i s', (seconds, code) => {
  expect(totpCode(RFC_SECRET, seconds * 1000)).toBe(code)
})

test('finds the code of this step and of its neighbours, and none that is not later than the last', () => {
  const now = 1_700_000_010_000
  const at = (ms: number, lastStep = 0): number | undefined =>
    matchingStep({ secret: RFC_SECRET, lastStep }, totpCode(RFC_SECRET, now + ms), now)

  expect([at(-30_000), at(0), at(30_000)]).toEqual([stepAt(now) - 1, stepAt(now), stepAt(now) + 1])
  expect([at(-60_000), at(60_000)]).toEqual([undefined, undefined])
  expect([at(0, stepAt(now)), at(-30_000, stepAt(now))]).toEqual([undefined, undefined])
  expect(at(30_000, stepAt(now))).toBe(stepAt(now) + 1)
})

test.each(['', '12345', ' 123456', '1234567', 'abcdef'])('%j is no code', (code) => {
  expect(matchingStep({ secret: RFC_SECRET, lastStep: 0 }, code, 59_000)).toBeUndefined()
})

test('what an app scans names the site, the account and how codes are made', () => {
  expect(totpUri(RFC_SECRET, 'Kelp & Keel', 'ada')).toBe(
    `otpauth://totp/Kelp%20%26%20Keel:ada?secret=${RFC_SECRET}&issuer=Kelp%20%26%20Keel&period=30&algorithm=SHA1&digits=6`,
  )
})

test.each(['GEZDGNBVGY3TQO', 'not base32', 'GEZDGNBVGY3TQOJ0'])('%j is no secret', (secret) => {
  expect(() => checkSecret(secret)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
})
