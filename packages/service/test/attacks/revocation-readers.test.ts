import { type ClientRequest, request } from 'node:http'
import { connect } from 'node:net'
import type { Store } from 'holdfast'
import { lmdbStore } from 'holdfast/lmdb'
import { decodeCursor, encodeCursor } from 'holdfast/store'
import { revocationFeed } from 'holdfast/tokens'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../holdfast/test/support/until.ts'
import { folder, KEYS, type Running, running } from '../support.ts'

/** A service, and its store as another process sees it. */
async function withStore(): Promise<{ run: Running; store: Store }> {
  const path = `${folder()}/store`
  const run = await running({ HOLDFAST_STORE: `lmdb:${path}` })
  const store = lmdbStore({ path })
  onTestFinished(() => store.close())
  return { run, store }
}

function subjects(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const key = Buffer.alloc(16)
    key.writeUInt32BE(i)
    key[15] = i % 64
    return key.toString('base64url')
  })
}

async function readersOf(run: Running): Promise<number> {
  const text = await (await fetch(`${run.service.managementUrl}/metrics`)).text()
  return Number(/^holdfast_revocation_readers (\d+)$/m.exec(text)?.[1])
}

async function openStreams(
  run: Running,
  count: number,
): Promise<{ all: ClientRequest[]; heard: string[] }> {
  const heard: string[] = Array.from({ length: count }, () => '')
  const all = await Promise.all(
    heard.map(
      (_, i) =>
        new Promise<ClientRequest>((resolve, reject) => {
          const headers = { authorization: `Bearer ${KEYS.gate}`, accept: 'text/event-stream' }
          const asked = request(`${run.service.url}/v1/revocations`, { headers, agent: false })
          asked.once('error', reject)
          asked.once('response', (response) => {
            response.on('error', () => {})
            response.on('data', (chunk) => {
              heard[i] += chunk
              resolve(asked)
            })
          })
          asked.end()
        }),
    ),
  )
  return { all, heard }
}

test('hundreds of idle readers cost only what is sent, and are forgotten after', async () => {
  const { run, store } = await withStore()
  const { all, heard } = await openStreams(run, 500)
  expect(await readersOf(run)).toBe(500)
  const [subject = ''] = subjects(1)

  await store.subjects.revoke(subject, { at: run.host.now(), reason: 'test' })

  await until('all hear of it', () => heard.every((text) => text.includes(subject)))
  for (const one of all) one.destroy()
  await until('all are forgotten', async () => (await readersOf(run)) === 0)
})

test('a reader that does not read is cut off, at no cost to the others', async () => {
  const { run, store } = await withStore()
  const good = revocationFeed({ url: run.service.url, key: KEYS.gate })
  onTestFinished(() => good.close())
  await good.ready()
  const slow = connect(Number(new URL(run.service.url).port), '127.0.0.1')
  onTestFinished(() => void slow.destroy())
  slow.on('error', () => {})
  slow.write(
    'GET /v1/revocations HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n' +
      `authorization: Bearer ${KEYS.gate}\r\n\r\n`,
  )
  await until('both read', async () => (await readersOf(run)) === 2)
  slow.pause()

  let last = ''
  for (let round = 0; round < 20 && (await readersOf(run)) === 2; round++) {
    const some = subjects(1_000)
    last = some.at(-1) ?? ''
    await Promise.all(
      some.map((subject) => store.subjects.revoke(subject, { at: run.host.now(), reason: 'test' })),
    )
  }

  await until('one is cut off', async () => (await readersOf(run)) === 1)
  const sid = Buffer.concat([Buffer.from(last, 'base64url'), Buffer.alloc(16)]).toString(
    'base64url',
  )
  await until('the other has all', () => good.isRevoked({ sid, gen: 0, iat: 0 }))
  await until('the other is fresh', () => good.state() === 'fresh')
})

test('a cursor that nobody gave out is a gap, in the past as in the future', async () => {
  const { run, store } = await withStore()
  const [subject = ''] = subjects(1)
  await store.subjects.revoke(subject, { at: run.host.now(), reason: 'test' })
  const { cursor } = await (await run.call('GET', '/v1/revocations')).json()
  const head = decodeCursor(cursor)
  run.host.advance(300_000)
  await store.subjects.revoke(subject, { at: run.host.now(), reason: 'test' })
  await until('only the later one is left', async () => {
    const { entries } = await (await run.call('GET', '/v1/revocations')).json()
    return entries.length === 1
  })

  for (const forged of [
    head.map(() => 0),
    head.map((sequence) => sequence + 5),
    head.map(() => Number.MAX_SAFE_INTEGER),
  ]) {
    const answer = await run.call('GET', '/v1/revocations', {
      headers: { accept: 'text/event-stream', 'last-event-id': encodeCursor(forged) },
    })
    expect(answer.status).toBe(410)
    expect(await answer.json()).toMatchObject({ code: 'feed_gap' })
  }
  expect(await readersOf(run)).toBe(0)
})
