import { newKeyring, systemHost } from 'holdfast'
import { namedRecord } from 'holdfast/maintenance'
import { memoryStore } from 'holdfast/memory'
import { expect, test } from 'vitest'
import { LEASE_MS, type WriterLease, writerLease } from '../../../src/audit/writer/lease.ts'

/** Processes of one estate, on one clock. */
function estate(): { time: number; process(owner: string): WriterLease } {
  const store = memoryStore()
  const keyring = newKeyring()
  const world = {
    time: 1_000_000,
    process(owner: string) {
      const record = namedRecord({ store, keyring, host: systemHost(), name: 'audit writer' })
      return writerLease({ record, now: () => world.time, owner })
    },
  }
  return world
}

test('one process at a time is the writer', async () => {
  const world = estate()
  const [one, other] = [world.process('one'), world.process('other')]

  expect(await one.acquire()).toEqual({ epoch: 1, taken: undefined })
  expect(await other.acquire()).toBeUndefined()
  expect(other.holder()).toBe('one')
})

test('a successor goes on after what was acknowledged, in a higher epoch', async () => {
  const world = estate()
  const [one, other] = [world.process('one'), world.process('other')]
  await one.acquire()
  expect(await one.renew('cursor-7')).toBe(true)

  world.time += LEASE_MS

  expect(await other.acquire()).toEqual({ epoch: 2, taken: 'cursor-7' })
})

test('a writer that slept through its lease acknowledges nothing', async () => {
  const world = estate()
  const [sleeper, successor] = [world.process('sleeper'), world.process('successor')]
  await sleeper.acquire()
  world.time += LEASE_MS
  await successor.acquire()
  await successor.renew('cursor-9')

  expect(await sleeper.renew('cursor-8')).toBe(false)
  expect(await sleeper.renew('cursor-8')).toBe(false)

  world.time += LEASE_MS
  expect(await sleeper.acquire()).toEqual({ epoch: 3, taken: 'cursor-9' })
})

test('a lease of a clock that was ahead ends when nobody renews it', async () => {
  const world = estate()
  const [ahead, other] = [world.process('ahead'), world.process('other')]
  world.time += 3 * 3_600_000
  await ahead.acquire()
  await ahead.renew('cursor-5')
  world.time -= 3 * 3_600_000

  expect(await other.acquire()).toBeUndefined()
  world.time += LEASE_MS
  expect(await other.acquire()).toBeUndefined()
  world.time += LEASE_MS
  expect(await other.acquire()).toEqual({ epoch: 2, taken: 'cursor-5' })
  expect(await ahead.renew('cursor-6')).toBe(false)
})

test('a lease that is renewed by a clock that is ahead goes on', async () => {
  const world = estate()
  const [ahead, other] = [world.process('ahead'), world.process('other')]
  const skewed = 3 * 3_600_000
  world.time += skewed
  await ahead.acquire()

  for (let turn = 0; turn < 12; turn++) {
    world.time -= skewed
    expect(await other.acquire()).toBeUndefined()
    world.time += skewed + LEASE_MS / 3
    expect(await ahead.renew(`cursor-${turn}`)).toBe(true)
  }
})

test('of two that try at once one becomes the writer', async () => {
  const world = estate()

  const held = await Promise.all([world.process('a').acquire(), world.process('b').acquire()])

  expect(held.filter((one) => one !== undefined)).toHaveLength(1)
})

test('a writer that stops lets another begin at once', async () => {
  const world = estate()
  const [one, other] = [world.process('one'), world.process('other')]
  await one.acquire()
  await one.renew('cursor-3')

  await one.release()

  expect(await other.acquire()).toEqual({ epoch: 2, taken: 'cursor-3' })
  expect(await one.renew('cursor-4')).toBe(false)
})

test('a store that has lost the record does not bring an epoch back', async () => {
  const world = estate()
  const store = memoryStore()
  const keyring = newKeyring()
  let lost = false
  const record = namedRecord({ store, keyring, host: systemHost(), name: 'a' })
  const forgetful = {
    ...record,
    read: () => (lost ? Promise.resolve({ version: 0, value: undefined }) : record.read()),
    write: (version: number, value: unknown) =>
      lost ? Promise.resolve('written' as const) : record.write(version, value),
  }
  const lease = writerLease({ record: forgetful, now: () => world.time, owner: 'one' })
  await lease.acquire()

  lost = true

  expect(await lease.acquire()).toEqual({ epoch: 2, taken: undefined })
})
