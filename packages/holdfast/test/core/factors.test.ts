import { expect, test } from 'vitest'
import { hasSecondFactor, resistsPhishing } from '../../src/core/factors.ts'

test.each([
  ['a hardware key (RFC 8176)', { amr: ['pwd', 'hwk'] }, true],
  ['the acr of a phishing-resistant login (OpenID EAP)', { acr: 'phr', amr: [] }, true],
  ['the same with hardware', { acr: 'phrh', amr: ['pwd'] }, true],
  ['a synced passkey of our own step-up', { acr: 'gold', amr: ['swk', 'user', 'phr'] }, true],
  ['WebAuthn by another name', { amr: ['webauthn'] }, true],
  ['a key in software alone', { amr: ['swk', 'user'] }, false],
  ['a proof of possession of any key', { amr: ['pop'] }, false],
  ['a one-time code', { acr: 'mfa', amr: ['pwd', 'otp'] }, false],
  ['a message', { amr: ['sms', 'tel'] }, false],
  ['a recovery code', { acr: 'recovery', amr: ['kba'] }, false],
  ['a password', { acr: null, amr: ['pwd'] }, false],
  ['nothing', { acr: undefined, amr: [] }, false],
] as const)('whether %s can be relayed by a phishing site', (_title, proved, resists) => {
  expect(resistsPhishing(proved)).toBe(resists)
})

test('a second factor is one that is one by itself, or that resists phishing', () => {
  expect(hasSecondFactor({ amr: ['pwd', 'otp'] })).toBe(true)
  expect(hasSecondFactor({ amr: ['pwd'], acr: 'phr' })).toBe(true)
  expect(hasSecondFactor({ amr: ['pwd', 'kba'] })).toBe(false)
})
