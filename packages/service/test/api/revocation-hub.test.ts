import { SessionError, type Store } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import type { FeedEntry, Heartbeat } from 'holdfast/store'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../holdfast/test/support/until.ts'
import { revocationHub } from '../../src/api/revocation-hub.ts'
import { serviceMetrics } from '../../src/main/metrics.ts'

const SUBJECT = Buffer.alloc(16, 1).toString('base64url')

/** A hub on a feed whose watcher hears `told`, and then nothing until `go`. */
async function hubOn(
  told: (one: FeedEntry | Heartbeat) => boolean,
  feed: Partial<Store['feed']> = {},
) {
  const store = memoryStore()
  await store.subjects.revoke(SUBJECT, { at: Date.now(), reason: 'test' })
  let go = (): void => {}
  const gone = new Promise<void>((resolve) => {
    go = resolve
  })
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const hub = revocationHub({
    feed: {
      ...store.feed,
      async *watch(after, signal, options) {
        for await (const one of store.feed.watch(after, signal, options)) {
          if (!told(one)) await gone
          yield one
        }
      },
      ...feed,
    },
    now: () => Date.now(),
    log: pino({ level: 'silent' }),
    metrics: serviceMetrics(),
    stopping: stop.signal,
  })
  return { hub, go, store }
}

const unavailable = expect.objectContaining({ code: 'store_unavailable' })

test('a feed that is read for the first time tells nothing, and all else goes on', async () => {
  const { hub, go } = await hubOn((one) => one.kind !== 'heartbeat')
  const reader = { send() {}, end() {} }

  await new Promise((resolve) => setImmediate(resolve))

  expect(hub.ready()).toBe(true)
  expect(() => hub.snapshot()).toThrow(unavailable)
  await expect(hub.join(undefined, reader)).rejects.toThrow(unavailable)

  go()
  await hub.opened

  expect(JSON.parse(hub.snapshot()).entries).toMatchObject([{ kind: 'subject', subject: SUBJECT }])
  const leave = await hub.join(undefined, reader)
  leave()
})

test('a feed that cannot be followed makes the service unready until it can', async () => {
  let down = true
  const { hub, store } = await hubOn(() => true, {
    async position(at) {
      if (down) throw new SessionError('store_unavailable', 'away')
      return store.feed.position(at)
    },
  })

  await hub.opened

  expect(hub.ready()).toBe(false)
  expect(() => hub.snapshot()).toThrow(unavailable)
  down = false
  await until('it follows', () => hub.ready())
  expect(JSON.parse(hub.snapshot()).entries).toHaveLength(1)
})
