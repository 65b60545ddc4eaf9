import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import {
  type Decision,
  newKeyring,
  type Presented,
  SessionError,
  type Verification,
} from 'holdfast'
import { connect, type RemoteSessions } from 'holdfast/client'
import { formatKeyring } from 'holdfast/maintenance'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../holdfast/test/support/redis.ts'
import { until } from '../../../holdfast/test/support/until.ts'
import { quickVerify } from '../../src/api/quick-verify.ts'
import { atHome, folder, KEYS, LOGIN, type Running, running } from '../support.ts'
import { quickParts } from './quick-parts.ts'

type Sent = (path: string, init: RequestInit) => RequestInit | Response

/** A client of the service, and the paths that it has asked for. */
function clientOf(
  { service }: Running,
  sent: Sent = (_, init) => init,
): { readonly remote: RemoteSessions; readonly paths: string[] } {
  const paths: string[] = []
  const remote = connect({
    url: service.url,
    key: KEYS.app,
    timeout: 30_000,
    async fetch(target, init = {}) {
      const { pathname } = new URL(String(target))
      paths.push(pathname)
      const made = sent(pathname, init)
      return made instanceof Response ? made : fetch(target, made)
    },
  })
  return { remote, paths }
}

async function tokensOf(remote: RemoteSessions, subjects: readonly string[]): Promise<string[]> {
  const tokens: string[] = []
  for (const subject of subjects) {
    const created = await remote.create({ ...LOGIN, subject, request: atHome() })
    if (created.ok) tokens.push(created.token)
  }
  return tokens
}

/** What a verification came to: a subject, a refusal's code, or the code of what it threw. */
async function outcome(verifying: Promise<Verification>): Promise<string> {
  try {
    const verification = await verifying
    return verification.ok ? verification.session.subject : verification.code
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string }
    return `threw ${code}: ${message}`
  }
}

function all(remote: RemoteSessions, presented: readonly Presented[]): Promise<string[]> {
  return Promise.all(presented.map((one) => outcome(remote.verify(one))))
}

const request = atHome()

/** What poisons a batch, each in its own way. */
const POISON: Readonly<Record<string, Presented>> = {
  'a token that is none': { token: 'junk', request },
  'no token': { token: '', request },
  'a method that is none': { token: 'junk', request: { ...request, method: 'GET IT' } },
  'an address that is none': { token: 'junk', request: { ...request, ip: 'here' } },
  'a header that is too long': {
    token: 'junk',
    request: { ...request, headers: { accept: 'x'.repeat(2_049) } },
  },
  'a header that is a number': {
    token: 'junk',
    request: { ...request, headers: { accept: 1 as unknown as string } },
  },
  'a negative time': { token: 'junk', request, waitedMs: -1 },
  'an audience that nobody knows': { token: 'junk', request, audience: 'nobody' },
}

const OLDER: readonly (readonly [string, Sent])[] = [
  ['the service', (_, init) => init],
  [
    'a service that answers a batch as a whole',
    (_, init) => ({ ...init, headers: { ...init.headers, accept: 'application/json' } }),
  ],
  [
    'a service without batches',
    (path, init) =>
      path === '/v1/verify/batch' ? Response.json({ code: 'not_found' }, { status: 404 }) : init,
  ],
]

describe.each(OLDER)('of %s', (_, sent) => {
  test('each verification has its own answer', async () => {
    const run = await running()
    const { remote } = clientOf(run, sent)
    const [ada = '', bob = ''] = await tokensOf(remote, ['ada', 'bob'])

    const answers = await all(
      remote,
      [ada, 'junk', bob, ada].map((token) => ({ token, request })),
    )

    expect(answers).toEqual(['ada', 'token_malformed', 'bob', 'ada'])
  })

  test.each(Object.entries(POISON))('%s harms nobody else', async (_, poison) => {
    const run = await running()
    const { remote } = clientOf(run, sent)
    const [ada = '', bob = ''] = await tokensOf(remote, ['ada', 'bob'])
    const alone = await outcome(remote.verify(poison))

    const answers = await all(remote, [{ token: ada, request }, poison, { token: bob, request }])

    expect(answers).toEqual(['ada', alone, 'bob'])
  })
})

test('a turn is one request, whatever is in it', async () => {
  const run = await running()
  const { remote, paths } = clientOf(run)
  const [ada = ''] = await tokensOf(remote, ['ada'])
  paths.length = 0

  await all(remote, [{ token: ada, request }, ...Object.values(POISON)])

  expect(paths).toEqual(['/v1/verify/batch'])
})

test('a store that hangs in the middle is a fault to each, and logs nobody in or out', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const keyring = join(folder(), 'ring.json')
  writeFileSync(keyring, formatKeyring(newKeyring()), { mode: 0o600 })
  const run = await running({
    HOLDFAST_KEYRING: keyring,
    HOLDFAST_STORE: `redis://127.0.0.1:${redis.port}`,
    HOLDFAST_STORE_TIMEOUT: '1s',
  })
  const { remote, paths } = clientOf(run)
  const ready = async (): Promise<boolean> =>
    (await fetch(`${run.service.managementUrl}/readyz`)).status === 200
  await until('the service is ready', ready)
  const [ada = '', bob = ''] = await tokensOf(remote, ['ada', 'bob'])
  const presented = [ada, 'junk', bob].map((token) => ({ token, request }))
  const before = await all(remote, presented)

  redis.pause()
  const during = await all(remote, presented)
  redis.resume()
  await until('the service is ready again', ready)
  const after = await all(remote, presented)

  expect(before).toEqual(['ada', 'token_malformed', 'bob'])
  expect(during).toEqual([
    expect.stringMatching(/^threw store_unavailable/),
    'token_malformed',
    expect.stringMatching(/^threw store_unavailable/),
  ])
  expect(after).toEqual(before)
  expect(new Set(paths.filter((path) => path.startsWith('/v1/verify')))).toEqual(
    new Set(['/v1/verify/batch']),
  )
  const metrics = await (await fetch(`${run.service.managementUrl}/metrics`)).text()
  expect(metrics).toMatch(/verifications_total\{outcome="none",code="store_unavailable"\} 2/)
  const faults = run.log().split('\n')
  expect(faults.filter((line) => line.includes('"msg":"verification"'))).toHaveLength(2)
})

test('a service that goes away in the middle is store_unavailable to each', async () => {
  const run = await running()
  const { remote } = clientOf(run)
  const [ada = '', bob = ''] = await tokensOf(remote, ['ada', 'bob'])
  await run.service.close()

  const answers = await all(
    remote,
    [ada, bob].map((token) => ({ token, request })),
  )

  for (const answer of answers) expect(answer).toMatch(/^threw store_unavailable/)
})

/** The quick calls over an engine of the test's own. */
async function quickServer(
  verify: object,
): Promise<{ readonly url: string; readonly paths: readonly unknown[] }> {
  const paths: unknown[] = []
  const quick = quickVerify(quickParts(verify))
  const server = createServer((incoming, response) => {
    paths.push(incoming.url)
    quick(incoming, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths }
}

test.each(['at once', 'after a read'])(
  'an answer that cannot be written, known %s, is a fault of its own',
  async (known) => {
    const damaged: Decision = {
      outcome: 'deny',
      because: [],
      get score(): number {
        throw new SessionError('record_invalid', 'What it was decided on does not open.')
      },
    }
    const answerTo = ({ token }: Presented): Verification => ({
      ok: false,
      code: 'context_refused',
      ...(token === 'damaged' ? { decision: damaged } : {}),
    })
    const verify = async (one: Presented): Promise<Verification> => answerTo(one)
    const { url, paths } = await quickServer(
      Object.assign(verify, known === 'at once' ? { now: answerTo } : {}),
    )
    const remote = connect({ url, key: KEYS.app, timeout: 30_000 })

    const answers = await all(
      remote,
      ['a', 'damaged', 'c'].map((token) => ({ token, request })),
    )

    expect(answers).toEqual([
      'context_refused',
      expect.stringMatching(/^threw record_invalid/),
      'context_refused',
    ])
    expect(paths).toEqual(['/v1/verify/batch'])
  },
)

test('a fault that is thrown at once leaves no other of its batch unwaited for', async () => {
  const broken = (): never => {
    throw new SessionError('key_unknown', 'The key of this record is not in the ring.')
  }
  const { url } = await quickServer(
    Object.assign(async () => broken(), {
      now: ({ token }: Presented) => (token === 'later' ? undefined : broken()),
    }),
  )
  const unwaited: unknown[] = []
  const hear = (error: unknown): void => void unwaited.push(error)
  process.on('unhandledRejection', hear)
  onTestFinished(() => void process.off('unhandledRejection', hear))

  const answer = await fetch(`${url}/v1/verify/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.app}`, 'content-type': 'application/json' },
    body: JSON.stringify({ presented: ['later', 'now'].map((token) => ({ token, request })) }),
  })

  expect(await answer.json()).toMatchObject({ code: 'key_unknown' })
  await new Promise(setImmediate)
  expect(unwaited).toEqual([])
})

test('a presentation whose reading lasts keeps no other of its batch waiting', async () => {
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const { url } = await quickServer(async ({ token }: Presented): Promise<Verification> => {
    if (token === 'slow') await held
    if (token === 'broken') throw new Error('a bug')
    return { ok: false, code: 'session_unknown' }
  })
  const remote = connect({ url, key: KEYS.app, timeout: 30_000 })

  const asked = ['a', 'slow', 'broken', 'd'].map((token) =>
    outcome(remote.verify({ token, request })),
  )
  const others = await Promise.all([asked[0], asked[2], asked[3]])
  release()

  expect(others).toEqual([
    'session_unknown',
    expect.stringMatching(/^threw internal_error/),
    'session_unknown',
  ])
  expect(await asked[1]).toBe('session_unknown')
})
