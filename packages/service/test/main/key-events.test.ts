import { newKeyring, SessionError, type Store } from 'holdfast'
import { fakeHost } from 'holdfast/contracts'
import { eventLog, eventRecorder } from 'holdfast/maintenance'
import { memoryStore } from 'holdfast/memory'
import { expect, onTestFinished, test, vi } from 'vitest'
import { rotationEvents } from '../../src/main/key-events.ts'

const away = new SessionError('store_unavailable', 'The store is away.')

/** Processes over one store, of which the first calls of each kind fail. */
function estate(failures: number) {
  const host = fakeHost()
  const keyring = newKeyring(host)
  const memory = memoryStore({ now: host.now })
  onTestFinished(() => memory.close())
  const failing = <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) => {
    let left = failures
    return (...args: Args): Promise<T> => (left-- > 0 ? Promise.reject(away) : call(...args))
  }
  const store: Store = {
    ...memory,
    replays: { ...memory.replays, once: failing(memory.replays.once) },
    feed: { ...memory.feed, append: failing(memory.feed.append) },
  }
  const warned: unknown[] = []
  const stopped = new AbortController()
  onTestFinished(() => stopped.abort())
  return {
    warned,
    process: () =>
      rotationEvents({
        ...{ store, now: host.now, retryMs: 1, stop: stopped.signal },
        recorder: eventRecorder({ store, keyring, host }),
        log: { warn: (line: unknown) => void warned.push(line) },
      }),
    async told() {
      return (await eventLog({ store: memory, keyring }).read(undefined, 100)).items
    },
  }
}

test('a ring that several processes take up is told of once, and another one again', async () => {
  const { process, told } = estate(0)
  const [one, two] = [process(), process()]

  for (const take of [one, two, one]) take('sealing', ['a', 'b'])
  await vi.waitFor(async () => expect(await told()).toHaveLength(1))
  two('sealing', ['a', 'b', 'c'])
  one('signing', ['a', 'b'])

  await vi.waitFor(async () => expect(await told()).toHaveLength(3))
  const reasons = (await told()).map(({ type, reason }) => `${type} ${reason}`)
  expect(reasons.toSorted()).toEqual([
    ...['key-rotated sealing', 'key-rotated sealing', 'key-rotated signing'],
  ])
})

test('a rotation while the store is away is told of when it is back, once', async () => {
  const { process, told, warned } = estate(2)

  process()('sealing', ['a', 'b'])

  await vi.waitFor(async () => expect(await told()).toHaveLength(1))
  expect(warned).toHaveLength(4)
})
