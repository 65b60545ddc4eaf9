import { expect, test } from 'vitest'
import { readSettings } from '../src/settings.ts'

const GIVEN = {
  SHOP_HOLDFAST_URL: 'http://127.0.0.1:4600',
  SHOP_HOLDFAST_KEY: 'app',
  SHOP_AUDIT_KEY: 'audit',
}

test('takes what it is told, and port 4700 unless told otherwise', () => {
  expect(readSettings({ ...GIVEN, SHOP_PORT: '3000' })).toEqual({
    holdfastUrl: 'http://127.0.0.1:4600',
    holdfastKey: 'app',
    auditKey: 'audit',
    port: 3000,
  })
  expect(readSettings(GIVEN)).toMatchObject({ port: 4700 })
})

test.each([
  ['SHOP_HOLDFAST_URL', { ...GIVEN, SHOP_HOLDFAST_URL: '' }],
  ['SHOP_HOLDFAST_URL', { ...GIVEN, SHOP_HOLDFAST_URL: 'nowhere' }],
  ['SHOP_HOLDFAST_KEY', { ...GIVEN, SHOP_HOLDFAST_KEY: '' }],
  ['SHOP_AUDIT_KEY', { ...GIVEN, SHOP_AUDIT_KEY: undefined }],
  ['SHOP_PORT', { ...GIVEN, SHOP_PORT: '65533' }],
  ['SHOP_PORT', { ...GIVEN, SHOP_PORT: '0x10' }],
])('says that %s is missing or wrong', (name, env) => {
  expect(() => readSettings(env)).toThrow(name)
})
