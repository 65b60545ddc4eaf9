import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startService } from '../../src/index.ts'
import { atHome, configOf, KEYS, LOGIN } from '../support.ts'
import { orThrow, root, run } from './programs.ts'

const PROGRAM = `${root}.cache/shipping`
const ISSUER = 'https://auth.example'

beforeAll(async () => {
  const cwd = `${root}examples/go-service`
  expect(await orThrow(run('gofmt', ['-l', '.'], { cwd }))).toBe('')
  await orThrow(run('go', ['vet', './...'], { cwd }))
  await orThrow(run('go', ['build', '-o', PROGRAM, '.'], { cwd }))
}, 300_000)

interface Estate {
  /** A call of the authority, as the application makes it. */
  ask(path: string, body: object): Promise<Response>
  /** A fresh session. */
  login(): Promise<{ readonly token: string; readonly id: string }>
  accessToken(token: string, audience: string): Promise<string>
  /** A request to the shipping service. */
  shipping(path: string, accessToken?: string, init?: RequestInit): Promise<Response>
}

/** The authority on the real clock, and the Go service beside it. */
async function estate(): Promise<Estate> {
  const env = { HOLDFAST_AUDIENCES: '{ shipping: {}, orders: {} }', HOLDFAST_ISSUER: ISSUER }
  const service = await startService(configOf(env), { log: { write: () => {} } })
  onTestFinished(() => service.close())
  const url = await startShipping({
    PORT: '0',
    HOLDFAST_ISSUER: ISSUER,
    HOLDFAST_URL: service.url,
    HOLDFAST_KEY: KEYS.gate,
  })

  function ask(path: string, body: object): Promise<Response> {
    return fetch(`${service.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEYS.all}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  return {
    ask,
    async login() {
      const made = await (await ask('/v1/sessions', { ...LOGIN, request: atHome() })).json()
      return { token: made.token, id: made.session.id }
    },
    async accessToken(token, audience) {
      return (await (await ask('/v1/verify', { token, audience, request: atHome() })).json())
        .accessToken
    },
    shipping(path, accessToken, init = {}) {
      const headers = accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }
      return fetch(`${url}${path}`, { ...init, headers })
    },
  }
}

async function startShipping(env: Record<string, string>): Promise<string> {
  const child = spawn(PROGRAM, [], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => stop(child))
  for await (const line of createInterface({ input: child.stdout })) {
    const url = / listens on (\S+)$/.exec(line)?.[1]
    if (url !== undefined) return url
  }
  throw new Error('the shipping service ended before it listened')
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
  expect(child.exitCode).toBe(0)
}

test('a service in Go answers the buyer of a token that the authority issued for it', async () => {
  const { login, accessToken, shipping } = await estate()
  const { token } = await login()
  const good = await accessToken(token, 'shipping')

  const answer = await shipping('/api/shipping', good)

  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ buyer: 'ada' })
})

test('a service in Go refuses what is not for it, and says why as all others do', async () => {
  const { login, accessToken, shipping } = await estate()
  const { token } = await login()

  const refused = await Promise.all([
    shipping('/api/shipping'),
    shipping('/api/shipping', token),
    shipping('/api/shipping', await accessToken(token, 'orders')),
  ])

  const codes = await Promise.all(refused.map(async (answer) => (await answer.json()).code))
  expect(codes).toEqual(['token_missing', 'access_token_invalid', 'access_token_invalid'])
  expect(refused.map(({ status }) => status)).toEqual([401, 401, 401])
})

test('a strict route in Go refuses a dead session whose token has not expired', async () => {
  const { ask, login, accessToken, shipping } = await estate()
  const { token } = await login()
  const good = await accessToken(token, 'shipping')
  expect((await shipping('/api/shipping/code', good)).status).toBe(200)

  await ask('/v1/logout', { token })

  const answer = await shipping('/api/shipping/code', good)
  expect([answer.status, (await answer.json()).code]).toEqual([401, 'session_revoked'])
})

test('a fresh login may send parcels elsewhere', async () => {
  const { login, accessToken, shipping } = await estate()
  const good = await accessToken((await login()).token, 'shipping')
  const body = JSON.stringify({ address: 'Gray’s Inn Lane' })

  const answer = await shipping('/api/shipping/address', good, { method: 'PUT', body })

  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual({ buyer: 'ada', address: 'Gray’s Inn Lane' })
})

test('a service in Go refuses a revoked session at once, and ends its stream', async () => {
  const { ask, login, accessToken, shipping } = await estate()
  const { token } = await login()
  const other = await login()
  const good = await accessToken(token, 'shipping')
  const spared = await accessToken(other.token, 'shipping')
  const stream = await shipping('/api/shipping/live', good)
  expect(stream.status).toBe(200)

  await ask('/v1/logout', { token })

  // Held until the feed ends it: the token itself would be good for another 90 s.
  expect(await stream.text()).toContain('event: parcel')
  const answer = await shipping('/api/shipping', good)
  expect([answer.status, (await answer.json()).code]).toEqual([401, 'session_revoked'])
  expect((await shipping('/api/shipping', spared)).status).toBe(200)
})

test('a service in Go hears that all sessions of a subject but one are over', async () => {
  const { ask, login, accessToken, shipping } = await estate()
  const [ended, kept] = [await login(), await login()]
  const endedToken = await accessToken(ended.token, 'shipping')
  const keptToken = await accessToken(kept.token, 'shipping')
  const stream = await shipping('/api/shipping/live', endedToken)

  const done = await ask('/v1/subjects/ada/revoke', {
    reason: 'credential_changed',
    except: kept.id,
  })

  expect(done.ok).toBe(true)
  await stream.text()
  expect((await shipping('/api/shipping', endedToken)).status).toBe(401)
  expect((await shipping('/api/shipping', keptToken)).status).toBe(200)
})
