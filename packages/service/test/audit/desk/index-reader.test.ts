import { closeSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../../src/audit/database.ts'
import { type IndexReader, indexReader } from '../../../src/audit/desk/index-reader.ts'
import { type LogPump, logPump } from '../../../src/audit/desk/pump.ts'
import { entries, host, PERSONAL, place } from '../log/support.ts'

const EVENTS = 1_000

interface Indexed extends IndexReader {
  readonly pump: LogPump
}

/** A log of many events, and its index. */
function logged() {
  const at = place()
  const log = at.open()
  const sequences = Array.from({ length: EVENTS }, (_, one) => 1 + one)
  log.append(entries(1, sequences, PERSONAL))
  const told: string[] = []
  const path = join(at.directory, 'index.sqlite')
  const { directory, vault } = at

  return {
    ...{ log, told, path },
    open({ isWriter = true } = {}): Indexed {
      const index = indexReader({
        ...{ path, now: host.now, mayRenew: () => isWriter, onRenewed: () => pump.again() },
        log: { warn: (_, text) => void told.push(text), error: (_, text) => void told.push(text) },
      })
      const pump = logPump({ directory, vault, readers: [index], retryMs: 1, onFault: () => {} })
      onTestFinished(() => {
        pump.stop()
        index.close()
      })
      return { ...index, pump }
    },
    putAside: () => readdirSync(directory).filter((name) => /damaged-\d+$/.test(name)).length,
  }
}

type Logged = ReturnType<typeof logged>

async function filled({ log, open }: Logged): Promise<void> {
  const { pump } = open()
  pump.begin(log)
  await expect.poll(pump.isCaughtUp).toBe(true)
  pump.stop()
}

/** Overwrites a file from a part of it on, as a failing disk would. */
function damage(path: string, from: number): void {
  const database = openDatabase(path)
  database.all('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
  const file = openSync(path, 'r+')
  const { size } = statSync(path)
  const start = Math.floor((size * from) / 4_096) * 4_096
  writeSync(file, Buffer.alloc(size - start, 7), 0, size - start, start)
  closeSync(file)
}

async function found({ searches }: IndexReader): Promise<number> {
  return (await searches.events({ limit: EVENTS })).items.length
}

test('an index that is damaged when it is opened is made anew from the log', async () => {
  const it = logged()
  await filled(it)
  damage(it.path, 0)

  const index = it.open()
  index.pump.begin(it.log)
  await expect.poll(index.pump.isCaughtUp).toBe(true)

  expect(await found(index)).toBe(EVENTS)
  expect(it.putAside()).toBe(1)
  expect(it.told).toEqual(['The index of the audit log is damaged: it is made anew from the log.'])
})

test('damage that a search of the writer finds is mended without a new event', async () => {
  const it = logged()
  await filled(it)
  damage(it.path, 0.5)
  const index = it.open()
  index.pump.begin(it.log)
  await expect.poll(index.pump.isCaughtUp).toBe(true)

  await expect(found(index)).rejects.toMatchObject({ code: 'store_unavailable' })

  await expect.poll(() => found(index)).toBe(EVENTS)
  expect(it.putAside()).toBe(1)
})

test('damage that new events meet is mended, too, and they are not missing', async () => {
  const it = logged()
  await filled(it)
  const index = it.open()
  index.pump.begin(it.log)
  await expect.poll(index.pump.isCaughtUp).toBe(true)

  index.failed(new Error('database disk image is malformed'))
  index.pump.appended(it.log.append(entries(1, [EVENTS + 1], PERSONAL)))
  await expect.poll(index.pump.isCaughtUp).toBe(true)

  const { items, next } = await index.searches.events({ limit: EVENTS })
  expect(items).toHaveLength(EVENTS)
  expect(next).toBeDefined()
})

test('who only searches puts no index aside that another process writes', async () => {
  const it = logged()
  await filled(it)
  damage(it.path, 0.5)
  const other = it.open({ isWriter: false })

  await expect(found(other)).rejects.toMatchObject({ code: 'store_unavailable' })
  expect(it.putAside()).toBe(0)

  const writer = it.open()
  writer.pump.begin(it.log)
  await expect(found(writer)).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect.poll(() => found(writer)).toBe(EVENTS)
  await expect(found(other)).rejects.toMatchObject({ code: 'store_unavailable' })
  expect(await found(other)).toBe(EVENTS)
})

test('what is no damage is told, and the index is kept', async () => {
  const it = logged()
  await filled(it)
  const index = it.open()

  index.failed(new Error('database or disk is full'))

  expect(it.told).toEqual(['The index of the audit log cannot take events.'])
  expect(await found(index)).toBe(EVENTS)
})
