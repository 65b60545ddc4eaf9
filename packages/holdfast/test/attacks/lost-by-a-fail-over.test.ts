import { connect, createServer, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { newKeyring } from '../../src/codecs/keyring.ts'
import { systemHost } from '../../src/codecs/system-host.ts'
import type { SessionEvent } from '../../src/core/events.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const by = { reason: 'test' }
const idOf = (token: string): string => token.split('.')[1] ?? ''

/**
 * A primary and its replica behind one address. `split` cuts the replica off: what is acknowledged
 * from then on is lost by the fail-over.
 */
async function estate() {
  const primary = await startRedis()
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(primary.port)])
  const [first, second] = [primary, replica].map(({ port }) => new Redis({ port }))
  for (const one of [first, second]) one?.on('error', () => {})
  const sockets = new Set<Socket>()
  let target = primary.port
  const front = createServer((socket) => {
    const behind = connect(target, '127.0.0.1')
    socket.pipe(behind).pipe(socket)
    for (const one of [socket, behind]) sockets.add(one.on('error', () => {}))
  })
  const port = await new Promise<number>((resolve) =>
    front.listen(0, '127.0.0.1', () => {
      const address = front.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    }),
  )
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    front.close()
    for (const one of [first, second]) one?.disconnect()
    await Promise.all([primary.close(), replica.close()])
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    replicaUrl: `redis://127.0.0.1:${replica.port}`,
    async split() {
      await until('the replica has all', async () => {
        const sizes = await Promise.all([first, second].map((one) => one?.dbsize()))
        return sizes[0] === sizes[1]
      })
      await second?.call('REPLICAOF', 'NO', 'ONE')
    },
    failOver() {
      target = replica.port
      for (const socket of sockets) socket.destroy()
    },
  }
}

function engine(url: string, keyring = newKeyring(systemHost())) {
  const events: SessionEvent[] = []
  const warnings: string[] = []
  const store = redisStore({ url, timeout: 5_000, onWarning: (text) => warnings.push(text) })
  onTestFinished(() => store.close())
  const sessions = createSessions({
    store,
    keyring,
    onEvent: (event) => void events.push(event),
    onWarning: (text) => void warnings.push(text),
  })
  const request = { ip: '192.0.2.1', method: 'GET', url: '/', headers: {} }
  return {
    store,
    sessions,
    request,
    keyring,
    events,
    warnings,
    async login(subject: string): Promise<string> {
      const created = await sessions.create({ subject, request })
      if (!created.ok) throw new Error(created.code)
      return created.token
    },
    async isLive(token: string): Promise<boolean> {
      return (await sessions.verify({ token, request })).ok
    },
  }
}

test('what a fail-over lost is ended again before anybody comes with it', async () => {
  const { url, replicaUrl, split, failOver } = await estate()
  const ours = engine(url)
  const out = await ours.login('ada')
  const everywhere = [await ours.login('bob'), await ours.login('bob')]
  const stays = await ours.login('cleo')
  await split()
  await ours.sessions.logout(out)
  await ours.sessions.revokeSubject({ subject: 'bob' }, by)
  const other = engine(replicaUrl, ours.keyring)
  expect(await Promise.all([out, ...everywhere].map(other.isLive))).toEqual([true, true, true])

  failOver()
  await until('the others refuse them', async () => {
    const live = await Promise.all([out, ...everywhere].map(other.isLive))
    return live.every((one) => !one)
  })

  expect(await other.isLive(stays)).toBe(true)
  const reported = ours.events.filter(({ reason }) => reason === 'store_rolled_back')
  expect(reported.map(({ session }) => session)).toContain(idOf(out))
})

test('who was seen with what a fail-over lost is let in again, once it is noticed', async () => {
  const { url, split, failOver } = await estate()
  const ours = engine(url)
  const token = await ours.login('ada')
  expect(await ours.isLive(token)).toBe(true)
  await split()
  const elsewhere = { ...ours.request, ip: '198.51.100.7' }
  expect((await ours.sessions.verify({ token, request: elsewhere })).ok).toBe(true)

  failOver()
  const met: string[] = []
  await until('it is noticed', async () => {
    const code = await ours.isLive(token).catch(({ code }) => String(code))
    if (code === false) throw new Error('The person was logged out.')
    if (code === true) return true
    met.push(code)
    return false
  })

  expect(['store_rolled_back', 'store_unavailable']).toEqual(
    expect.arrayContaining([...new Set(met)]),
  )
})

test('a partition that lost writes is told, once', async () => {
  const { url, split, failOver } = await estate()
  const ours = engine(url)
  const tokens = [await ours.login('ada'), await ours.login('ada'), await ours.login('ada')]
  await split()
  for (const token of tokens) await ours.sessions.logout(token)
  // Positions of the feed are looked at every two seconds, and by whoever follows it.
  await ours.store.feed.head()

  failOver()
  await until('it is told', () => ours.warnings.some((text) => text.includes('lost acknowledged')))
  await until('all are ended again', async () => {
    const live = await Promise.all(tokens.map(engine(url, ours.keyring).isLive))
    return live.every((one) => !one)
  })

  expect(ours.warnings.filter((text) => text.includes('lost acknowledged'))).toHaveLength(1)
  expect(
    ours.events.filter(({ session, subject }) => session === null && subject === null),
  ).toEqual([expect.objectContaining({ type: 'anomaly-detected', reason: 'store_rolled_back' })])
})
