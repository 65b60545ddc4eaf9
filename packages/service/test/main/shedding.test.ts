import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { shedding } from '../../src/main/shedding.ts'
import { running } from '../support.ts'

const NOTICE = '/was-it-you'

/** A server behind a guard whose lateness the test makes. */
async function guarded() {
  let heard: (lateMs: number) => void = () => {}
  let shed = 0
  const found: string[] = []
  const { guard, share, waited } = shedding({
    onShed: () => void shed++,
    warn: (kind) => found.push(kind),
    noticePath: NOTICE,
    lateness(hear) {
      heard = hear
      return () => {}
    },
  })
  const server = createServer(guard((_, response) => response.end('done')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return {
    share,
    waited,
    found,
    shed: () => shed,
    late: (...ms: number[]) => {
      for (const one of ms) heard(one)
    },
    async statuses(path: string, times: number, method = 'POST'): Promise<readonly number[]> {
      const url = `http://127.0.0.1:${port}${path}`
      const answers = Array.from({ length: times }, () => fetch(url, { method }))
      return (await Promise.all(answers)).map(({ status }) => status)
    },
    ask: (path: string) => fetch(`http://127.0.0.1:${port}${path}`),
  }
}

const shareOf = (statuses: readonly number[]): number =>
  statuses.filter((status) => status === 503).length / statuses.length

test('a single stall sheds nothing', async () => {
  const { late, statuses, share } = await guarded()

  late(0, 5_000, 0, 5_000, 0)

  expect(share()).toBe(0)
  expect(shareOf(await statuses('/v1/verify', 20))).toBe(0)
})

test('the longer the loop is late, the more is answered 503, but never all of it', async () => {
  const { late, statuses, found } = await guarded()

  late(300, 300, 300)
  const some = shareOf(await statuses('/v1/verify', 50))
  late(...Array.from({ length: 50 }, () => 300))
  const most = shareOf(await statuses('/v1/verify', 100))

  expect(some).toBeCloseTo(0.2, 1)
  expect(most).toBeCloseTo(0.95, 1)
  expect(new Set(found)).toEqual(new Set(['shed']))
})

test('requests that wait for their turn are late, too, while the loop is in time', async () => {
  const { late, waited, share } = await guarded()

  for (let turn = 0; turn < 6; turn++) {
    waited(300)
    waited(5)
    late(0)
  }
  const busy = share()
  late(...Array.from({ length: 20 }, () => 0))

  expect(busy).toBeCloseTo(0.5, 5)
  expect(share()).toBe(0)
})

test('once the loop is in time again, everything is answered', async () => {
  const { late, statuses, shed } = await guarded()

  late(...Array.from({ length: 50 }, () => 300))
  late(...Array.from({ length: 20 }, () => 0))
  const before = shed()

  expect(shareOf(await statuses('/v1/verify', 50))).toBe(0)
  expect(shed()).toBe(before)
})

const ENDING = /(?:logout|revoke|reports)$/

test('what ends sessions is never put off, of all calls of the API', async () => {
  const { late, statuses } = await guarded()
  late(...Array.from({ length: 50 }, () => 300))
  const run = await running()
  const { paths } = await (await run.call('GET', '/openapi.json')).json()
  const posted = Object.keys(paths).filter((path) => 'post' in paths[path])
  expect(posted.filter((path) => ENDING.test(path))).toHaveLength(5)

  for (const path of posted) {
    const share = shareOf(await statuses(`${path.replace(/\{\w+\}/, 'ada')}?tenant=a`, 20))
    if (ENDING.test(path)) expect(share, path).toBe(0)
    else expect(share, path).toBeGreaterThan(0.85)
  }
})

test('a login that was not theirs is ended by the link of a notice, also under load', async () => {
  const { late, statuses } = await guarded()
  late(...Array.from({ length: 50 }, () => 300))

  for (const method of ['GET', 'POST'])
    expect(shareOf(await statuses(`${NOTICE}?t=abc`, 20, method))).toBe(0)
  expect(shareOf(await statuses(`/v1/verify?to=${NOTICE}`, 40))).toBeGreaterThan(0.9)
})

test('nobody calls himself the end of a session by his URL', async () => {
  const { late, statuses } = await guarded()
  late(...Array.from({ length: 50 }, () => 300))

  expect(shareOf(await statuses('/v1/logout', 40, 'GET'))).toBeGreaterThan(0.9)
  for (const path of ['/v1/verify?to=/v1/logout', '/v1/gate/ext-authz/v1/logout', '/x/v1/logout'])
    expect(shareOf(await statuses(path, 40))).toBeGreaterThan(0.9)
})

test('the answer says what it is, and when to come again', async () => {
  const { late, ask } = await guarded()
  late(...Array.from({ length: 50 }, () => 300))
  await ask('/v1/verify')

  const answer = await ask('/v1/verify')

  expect(answer.status).toBe(503)
  expect(answer.headers.get('retry-after')).toBe('1')
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.headers.get('set-cookie')).toBe(null)
  expect(await answer.json()).toMatchObject({ code: 'overloaded', status: 503 })
})
