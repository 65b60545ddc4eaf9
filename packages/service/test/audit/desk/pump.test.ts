import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type LogReader, logPump } from '../../../src/audit/desk/pump.ts'
import { isEntry, type LoggedEntry } from '../../../src/audit/entry.ts'
import type { AuditLog } from '../../../src/audit/log/audit-log.ts'
import { entries, PERSONAL, type Place, place } from '../log/support.ts'

interface Reader extends LogReader {
  readonly took: LoggedEntry[]
  readonly faults: unknown[]
  /** Throws that many times. */
  fails: number
  next: number
}

function reader(next = 0): Reader {
  const it: Reader = {
    ...{ took: [], faults: [], fails: 0, next },
    from: () => it.next,
    take(given) {
      if (it.fails > 0) {
        it.fails--
        throw new Error('the disk is full')
      }
      it.took.push(...given.filter(isEntry))
      it.next = (given.at(-1)?.index ?? it.next) + 1
    },
    failed: (error) => void it.faults.push(error),
  }
  return it
}

const sequencesOf = ({ took }: Reader): readonly number[] => took.map(({ sequence }) => sequence)

const upTo = (last: number, first = 1): readonly number[] =>
  Array.from({ length: last + 1 - first }, (_, at) => first + at)

function pumped(readers: readonly LogReader[], at: Place, log: AuditLog, retryMs = 1) {
  const faults: unknown[] = []
  const { directory, vault } = at
  const pump = logPump({
    ...{ directory, vault, readers, retryMs },
    onFault: (error) => void faults.push(error),
  })
  return {
    pump,
    faults,
    append(sequences: readonly number[]) {
      pump.appended(log.append(entries(3, sequences, PERSONAL)))
    },
  }
}

test('readers get what is there and what comes then, each once, from where they are', async () => {
  const at = place()
  const log = at.open()
  log.append(entries(3, upTo(10), PERSONAL))
  const [first, second] = [reader(), reader(6)]
  const { pump, append } = pumped([first, second], at, log)

  pump.begin(log)
  append([11])
  await expect.poll(pump.isCaughtUp).toBe(true)
  append([12, 13])

  expect(sequencesOf(first)).toEqual(upTo(13))
  expect(sequencesOf(second)).toEqual(upTo(13, 6))
  expect(first.took.every(({ personal }) => personal?.address === PERSONAL.address)).toBe(true)
  pump.stop()
})

test('a long log is read with turns for others in between, and may grow meanwhile', async () => {
  const at = place()
  const log = at.open()
  log.append(entries(3, upTo(2_500)))
  const one = reader()
  const { pump, append } = pumped([one], at, log)

  pump.begin(log)
  expect(one.took).toHaveLength(1_000)
  append([2_501])
  await expect.poll(pump.isCaughtUp).toBe(true)

  expect(sequencesOf(one)).toEqual(upTo(2_501))
})

test('what is stopped while it catches up goes on when it begins again', async () => {
  const at = place()
  const log = at.open()
  log.append(entries(3, upTo(2_500)))
  const one = reader()
  const { pump } = pumped([one], at, log)

  pump.begin(log)
  pump.stop()
  for (let turns = 0; turns < 10; turns++) await turn()
  expect(one.took).toHaveLength(1_000)
  expect(pump.isCaughtUp()).toBe(false)

  pump.begin(log)
  await expect.poll(pump.isCaughtUp).toBe(true)
  expect(sequencesOf(one)).toEqual(upTo(2_500))
})

test('a reader that fails is asked again later, misses nothing, and holds nobody up', async () => {
  const at = place()
  const log = at.open()
  log.append(entries(3, upTo(3)))
  const [ill, well] = [reader(), reader()]
  const { pump, append } = pumped([ill, well], at, log)
  ill.fails = 3

  pump.begin(log)
  append([4, 5])

  await expect.poll(() => well.took.length).toBe(5)
  await expect.poll(() => ill.took.length).toBe(5)
  await expect.poll(pump.isCaughtUp).toBe(true)
  expect([sequencesOf(ill), sequencesOf(well)]).toEqual([upTo(5), upTo(5)])
  expect(ill.faults).toHaveLength(3)
})

test('while one reader fails for good, the others get what comes at once', async () => {
  const at = place()
  const log = at.open()
  const [ill, well] = [reader(), reader()]
  ill.fails = Infinity
  const { pump, append } = pumped([ill, well], at, log, 3_600_000)
  log.append(entries(3, [1]))

  pump.begin(log)
  await expect.poll(() => well.took.length).toBe(1)
  for (let sequence = 2; sequence < 200; sequence++) append([sequence])

  expect(sequencesOf(well)).toEqual(upTo(199))
  expect(ill.faults).toHaveLength(1)
  expect(pump.isCaughtUp()).toBe(false)
  pump.stop()
})

test('a reader that has begun anew gets everything once more, before anything new', async () => {
  const at = place()
  const log = at.open()
  log.append(entries(3, upTo(5)))
  const [renewed, other] = [reader(), reader()]
  const { pump, append } = pumped([renewed, other], at, log)
  pump.begin(log)
  await expect.poll(pump.isCaughtUp).toBe(true)

  renewed.took.length = 0
  renewed.next = 0
  append([6])
  await expect.poll(pump.isCaughtUp).toBe(true)
  expect(sequencesOf(renewed)).toEqual(upTo(6))

  renewed.took.length = 0
  renewed.next = 0
  pump.again()
  await expect.poll(() => sequencesOf(renewed)).toEqual(upTo(6))
  expect(sequencesOf(other)).toEqual(upTo(6))
})

test('a reader that cannot say where it is, and one that fails to fail, stop nobody', async () => {
  const at = place()
  const log = at.open()
  log.append(entries(3, upTo(5)))
  const [lost, well] = [reader(), reader()]
  const broken = {
    ...lost,
    from() {
      throw new Error('no such table')
    },
    failed() {
      throw new Error('it cannot be made anew')
    },
  }
  const { pump, append, faults } = pumped([broken, well], at, log, 3_600_000)

  pump.begin(log)
  await expect.poll(() => well.took.length).toBe(5)
  append([6])

  expect(sequencesOf(well)).toEqual(upTo(6))
  expect(faults).toMatchObject([{ message: 'it cannot be made anew' }])
  pump.stop()
})

test('a log that cannot be read is told', async () => {
  const at = place()
  const { pump, faults } = pumped(
    [reader()],
    { ...at, directory: `${at.directory}/none` },
    at.open(),
  )

  pump.begin({ size: () => 3 })

  await expect.poll(() => faults).toHaveLength(1)
  expect(pump.isCaughtUp()).toBe(false)
})
