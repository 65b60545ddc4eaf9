import { readFileSync } from 'node:fs'
import { createSessions, newKeyring, SessionError, strict } from 'holdfast'
import { connect } from 'holdfast/client'
import { cookie, holdfast } from 'holdfast/express'
import { lmdbStore } from 'holdfast/lmdb'
import { memoryStore } from 'holdfast/memory'
import { redisStore } from 'holdfast/redis'
import { revocationFeed, verifier } from 'holdfast/tokens'
import { expect, test } from 'vitest'

const store = memoryStore()
const keyring = newKeyring()
const sessions = createSessions({
  store,
  keyring,
  classes: { kiosk: { absolute: '1h', idle: '5m' } },
})
const request = { ip: '127.0.0.1', method: 'POST', url: '/', headers: {} }
const SCOPE = {
  store,
  keyring,
  sessions,
  hf: holdfast(sessions),
  request: { ...request, originalUrl: '/', socket: { remoteAddress: '127.0.0.1' } },
  response: { setHeader() {} },
  facts: request,
  refused: { ok: false, code: 'token_missing', refusal: { status: 401, headers: [], body: '' } },
  process: { env: {} },
  createSessions,
  strict,
  memoryStore,
  lmdbStore,
  redisStore,
  holdfast,
  cookie,
  connect,
  verifier,
  revocationFeed,
}

/** What a programmer mends. */
const MISTAKES: readonly string[] = ['config_invalid', 'invalid_input']

const page = readFileSync(new URL('../../../../docs/mistakes.md', import.meta.url), 'utf8')
const [, block = ''] = /```text\n([\s\S]*?)```/.exec(page) ?? []
const mistakes = block
  .split(/^> /m)
  .slice(1)
  .map((text) => text.trimEnd().split('\n'))

test('the page of typical mistakes has at least twenty-five', () => {
  expect(mistakes.length).toBeGreaterThanOrEqual(25)
})

test.each(mistakes)('%s is told so', async (code, ...said) => {
  const names = Object.keys(SCOPE)
  const run = new Function(...names, `return ${code}`) as (...values: unknown[]) => unknown
  let message = 'Nothing was said.'
  try {
    await run(...Object.values(SCOPE))
  } catch (error) {
    if (!(error instanceof SessionError) || !MISTAKES.includes(error.code)) throw error
    message = error.message
  }

  expect(message).toBe(said.join(' '))
})
