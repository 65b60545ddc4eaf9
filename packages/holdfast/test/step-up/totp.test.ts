import { expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import {
  checkedSecret,
  matchingStep,
  newSecret,
  stepAt,
  totpCode,
  totpUri,
} from '../../src/step-up/totp.ts'

/**
 * RFC 6238, appendix B, SHA-1: the ASCII secret 12345678901234567890, the last six of its eight
 * digits.
 */
const RFC_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [2_000_000_000, '279037'],
])('shows the code of RFC 6238 at %i s', async (seconds, code) => {
  expect(await totpCode(RFC_SECRET, seconds * 1000)).toBe(code)
})

test('finds the code of this step and its neighbours, if later than the last', async () => {
  const now = 1_700_000_010_000
  const step = stepAt(now)
  const at = async (ms: number, lastStep = 0): Promise<number | 'used' | undefined> =>
    matchingStep({ secret: RFC_SECRET, lastStep }, await totpCode(RFC_SECRET, now + ms), now)

  expect([await at(-30_000), await at(0), await at(30_000)]).toEqual([step - 1, step, step + 1])
  expect([await at(-60_000), await at(60_000)]).toEqual([undefined, undefined])
  expect([await at(0, step), await at(-30_000, step)]).toEqual(['used', 'used'])
  expect(await at(30_000, step)).toBe(step + 1)
})

test.each(['', '12345', ' 123456', '1234567', 'abcdef'])('%j is no code', async (code) => {
  expect(await matchingStep({ secret: RFC_SECRET, lastStep: 0 }, code, 59_000)).toBeUndefined()
})

test('full-width digits, as input methods for Japanese type them, are the digits', async () => {
  const full = '２８７０８２'

  expect(await matchingStep({ secret: RFC_SECRET, lastStep: 0 }, full, 59_000)).toBe(1)
})

test.each([
  '12345é',
  '28708２２',
  '😀😀😀',
  '٢٨٧٠٨٢',
  '28708²²',
  '\ud800'.repeat(6),
  '㍘'.repeat(80),
])('%j is no code and no RangeError', async (code) => {
  expect(await matchingStep({ secret: RFC_SECRET, lastStep: 0 }, code, 59_000)).toBeUndefined()
})

test('a new secret has 160 random bits', async () => {
  const host = fakeHost()

  const [one, other] = [await newSecret(host), await newSecret(host)]

  expect(one).toMatch(/^[A-Z2-7]{32}$/)
  expect(other).not.toBe(one)
})

test('what an app scans names the site, the account and how codes are made', async () => {
  const uri = new URL(await totpUri(RFC_SECRET, 'Kelp & Keel', 'ada'))

  expect(uri.href).toMatch(/^otpauth:\/\/totp\/Kelp%20%26%20Keel:ada\?issuer=Kelp%20%26%20Keel&/)
  expect(Object.fromEntries(uri.searchParams)).toEqual({
    secret: RFC_SECRET,
    issuer: 'Kelp & Keel',
    algorithm: 'SHA1',
    digits: '6',
    period: '30',
  })
})

test.each(['GEZDGNBVGY3TQO', 'not base32', 'GEZDGNBVGY3TQOJ0', ''])(
  '%j is no secret',
  async (secret) => {
    await expect(checkedSecret(secret)).rejects.toMatchObject({ code: 'config_invalid' })
  },
)

test('a secret with spaces and small letters, as sites print it, is the same one', async () => {
  expect(await checkedSecret('gezd gnbv gy3t qojq gezd gnbv gy3t qojq')).toBe(RFC_SECRET)
})
