import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { optionalPackage, requiredPackage } from '../../src/core/optional-package.ts'

const about = { whatFor: 'lmdbStore()', name: 'lmdb', version: '3' }
const nowhere = 'a-package-that-nobody-has-installed'

test('a package that is missing says what to install', async () => {
  const refused = {
    code: 'config_invalid',
    message: 'lmdbStore() needs the package lmdb: npm install lmdb@3.',
  }
  const require = createRequire(import.meta.url)

  expect(() => requiredPackage(() => require(nowhere), about)).toThrow(
    expect.objectContaining(refused),
  )
  const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
  await expect(optionalPackage(() => Promise.reject(missing), about)).rejects.toMatchObject(refused)
})

test('one that is there and does not load is not asked for again', async () => {
  const broken = new Error('no native build')
  const refused = {
    code: 'config_invalid',
    message: 'lmdbStore() needs the package lmdb: it is there, and does not load.',
    cause: broken,
  }

  expect(() =>
    requiredPackage(() => {
      throw broken
    }, about),
  ).toThrow(expect.objectContaining(refused))
  await expect(optionalPackage(() => Promise.reject(broken), about)).rejects.toMatchObject(refused)
})

test('one that is there is given', async () => {
  expect(requiredPackage(() => 'lmdb', about)).toBe('lmdb')
  expect(await optionalPackage(async () => 'lmdb', about)).toBe('lmdb')
})
