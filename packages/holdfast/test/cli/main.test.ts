import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseKeyring } from '../../src/codecs/keyring.ts'
import { holdfast } from './holdfast.ts'

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'holdfast-command-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('keys new makes a ring for its owner alone', async () => {
  const file = join(folder(), 'keyring.json')

  const { code, out } = await holdfast(`keys new ${file}`)

  expect([code, out]).toEqual([0, expect.stringContaining(`Made ${file}`)])
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(parseKeyring(readFileSync(file, 'utf8')).keys).toHaveLength(1)
})

test('the help lists what the library has, and says where the rest is', async () => {
  const { code, out } = await holdfast('--help')

  expect(code).toBe(0)
  expect(out).toMatch(/^ {2}init .*\n {2}keys new /m)
  expect(out).toContain('npm install @holdfast/service')
  expect(out).not.toMatch(/^ {2}serve/m)
})

test.each(['serve', 'config check', 'sessions list ada', 'events'])(
  '%s says what to install',
  async (command) => {
    const { code, err } = await holdfast(command)

    expect(code).toBe(2)
    expect(err).toContain('npm install @holdfast/service')
  },
)

test('a misspelt command names the right one', async () => {
  expect((await holdfast('inti')).err).toContain('Did you mean "holdfast init"?')
})

test('--version says which it is', async () => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')

  expect((await holdfast('--version')).out).toBe(`holdfast ${JSON.parse(manifest).version}\n`)
})
