import { expect, test } from 'vitest'
import { SessionError } from '../../src/core/errors.ts'
import { rollbackWatch } from '../../src/stores/redis/rollback-watch.ts'

type Heads = readonly number[]

/** A watch whose answers arrive when the test says so, and what it has told. */
function watched() {
  const answers: ((heads: Heads) => void)[] = []
  const told: Heads[] = []
  const never = () => new Promise<never>(() => {})
  const watch = rollbackWatch({
    heads: () => new Promise<Heads>((resolve) => answers.push(resolve)),
    ask: {
      command: never,
      run: never,
      mark: never,
      onEachMaster: never,
      failure: () => new SessionError('store_unavailable', ''),
    },
    state: {
      closedBy: () => undefined,
      failed: () => undefined,
      passed: () => {},
      close: () => {},
    },
    cluster: true,
  })
  watch.onRollback((lost) => told.push(lost))
  return {
    told,
    ask: () => {
      const found = watch.heads()
      const answer = answers.at(-1)
      return {
        async arrives(heads: Heads) {
          answer?.(heads)
          expect(await found).toEqual(heads)
        },
      }
    },
  }
}

test('positions that fell are told with their partitions, once', async () => {
  const { ask, told } = watched()

  await ask().arrives([7, 7, 7])
  await ask().arrives([7, 3, 6])
  await ask().arrives([7, 3, 6])

  expect(told).toEqual([[1, 2]])
})

test('an answer that arrives after a later one is no rolled back store', async () => {
  const { ask, told } = watched()
  const [first, second] = [ask(), ask()]

  await second.arrives([8, 8])
  await first.arrives([7, 8])
  await ask().arrives([8, 8])

  expect(told).toEqual([])
})

test('a partition that is gone from the answer has lost everything', async () => {
  const { ask, told } = watched()

  await ask().arrives([2, 2])
  await ask().arrives([2])

  expect(told).toEqual([[1]])
})
