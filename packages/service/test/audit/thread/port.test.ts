import { MessageChannel } from 'node:worker_threads'
import { SessionError } from 'holdfast'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answerOn, askOver, type Methods, type Remote } from '../../../src/audit/thread/port.ts'

let channel: MessageChannel

beforeEach(() => {
  channel = new MessageChannel()
})

afterEach(() => channel.port1.close())

/** The methods, as the other end of the channel has them. */
function across<M extends Methods>(methods: M): Remote<M> {
  answerOn(channel.port1, methods)
  return askOver<M>(channel.port2).remote
}

test('a method of the other thread answers, also one that waits', async () => {
  const remote = across({
    sum: (a: number, b: number) => a + b,
    later: async (positions: ReadonlyMap<number, number>) => positions.get(7),
  })

  expect(await Promise.all([remote.sum(1, 2), remote.later(new Map([[7, 9]]))])).toEqual([3, 9])
})

test('a fault keeps its code and its message', async () => {
  const remote = across({
    fail() {
      throw new SessionError('store_unavailable', 'the disk is full')
    },
    break() {
      throw new RangeError('out of range')
    },
  })

  await expect(remote.fail()).rejects.toMatchObject({
    code: 'store_unavailable',
    message: 'the disk is full',
  })
  await expect(remote.break()).rejects.toThrow('out of range')
})

test('what is no method of the other end is refused, inherited names too', async () => {
  const remote = across({}) as unknown as Remote<{ toString(): string; missing(): void }>

  await expect(remote.missing()).rejects.toThrow('There is no method missing.')
  await expect(remote.toString()).rejects.toThrow('There is no method toString.')
})

test('calls to a thread that has ended are rejected, those that wait too', async () => {
  const methods = { never: () => new Promise<void>(() => {}) }
  answerOn(channel.port1, methods)
  const { remote, lost } = askOver<typeof methods>(channel.port2)
  const waits = remote.never()

  lost(new Error('the worker has ended'))

  await expect(waits).rejects.toThrow('the worker has ended')
  await expect(remote.never()).rejects.toThrow('the worker has ended')
})
