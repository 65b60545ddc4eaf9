import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Database, openDatabase } from '../../../src/audit/database.ts'
import { outputReader } from '../../../src/audit/desk/output-reader.ts'
import type { LogReader } from '../../../src/audit/desk/pump.ts'
import { fileOutput } from '../../../src/audit/outputs/file-output.ts'
import { httpsOutput } from '../../../src/audit/outputs/https-output.ts'
import type { AuditOutput } from '../../../src/audit/outputs/output.ts'
import { folder } from '../../support.ts'
import { entriesFrom } from '../entries.ts'
import { dependencies, type Receiver, receiver, TIMEOUT_MS, until } from '../outputs/support.ts'

const format = ({ index }: { index: number }): object => ({ index })

function database(): Database {
  const opened = openDatabase(join(folder(), 'desk.sqlite'))
  onTestFinished(() => opened.close())
  return opened
}

function readerOf(output: AuditOutput, of: Database, told: string[] = []): LogReader {
  const log = { warn: () => {}, error: (_: object, text: string) => void told.push(text) }
  const reader = outputReader({ output, database: of, log })
  reader.begin?.()
  return reader
}

function toFile(path: string): AuditOutput {
  const output = fileOutput({ name: 'file', format, path, maxBytes: 1e9, keep: 1 }, dependencies())
  onTestFinished(() => output.close(0))
  return output
}

function toServer({ url }: Receiver, most = 1_000): AuditOutput {
  const output = httpsOutput(
    {
      ...{ name: 'siem', format, url, body: 'lines', headers: {}, tls: {} },
      ...{ timeoutMs: TIMEOUT_MS, allowPlain: false, version: '1.2.3' },
      queue: { entries: most, bytes: 1e7 },
      batch: { entries: 10, bytes: 1e6 },
      backOff: { firstMs: 500, mostMs: 60_000 },
    },
    dependencies(),
  )
  onTestFinished(() => output.close(0))
  return output
}

const indexesIn = (path: string): readonly number[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).index)

const upTo = (end: number): readonly number[] => Array.from({ length: end }, (_, index) => index)

test('a restart repeats some lines and leaves none out', () => {
  const path = join(folder(), 'events.jsonl')
  const kept = database()
  let length = 0
  const repeated: number[] = []
  for (let life = 0; life < 5; life++) {
    const reader = readerOf(toFile(path), kept)
    repeated.push(length - reader.from())
    for (const end of [length + 30, length + 100, length + 170]) {
      reader.take(entriesFrom(reader.from(), end - reader.from()))
    }
    length += 170
  }

  const indexes = indexesIn(path)
  expect([...new Set(indexes)].sort((a, b) => a - b)).toEqual(upTo(length))
  for (const count of repeated) {
    expect(count).toBeGreaterThanOrEqual(0)
    expect(count).toBeLessThan(100)
  }
})

test('what a receiver has not taken comes again after a restart', async () => {
  const kept = database()
  const silent = await receiver(() => {})
  const first = readerOf(toServer(silent), kept)
  first.take(entriesFrom(0, 400))
  expect(first.from()).toBe(400)

  const well = await receiver((response) => response.end())
  const output = toServer(well)
  const second = readerOf(output, kept)
  expect(second.from()).toBe(0)
  second.take(entriesFrom(0, 400))
  await until(() => output.delivered() === 399)
  second.take(entriesFrom(400, 1))

  expect(readerOf(output, kept).from()).toBe(400)
})

test('what was dropped for want of room comes again after a restart', async () => {
  const kept = database()
  const silent = await receiver(() => {})
  const output = toServer(silent, 50)
  const reader = readerOf(output, kept)
  for (let n = 0; n < 4; n++) reader.take(entriesFrom(n * 100, 100))

  expect(output.state().dropped).toBeGreaterThan(0)
  expect(readerOf(toServer(silent), kept).from()).toBe(0)
})

test('two outputs are each where they are', () => {
  const kept = database()
  const path = join(folder(), 'events.jsonl')
  readerOf(toFile(path), kept).take(entriesFrom(0, 150))
  const other = { ...toFile(`${path}.2`), name: 'another' }

  expect(readerOf(toFile(path), kept).from()).toBe(150)
  expect(readerOf(other, kept).from()).toBe(0)
})

test('where the place cannot be noted, it is told, and the output goes on', () => {
  const path = join(folder(), 'events.jsonl')
  const kept = openDatabase(':memory:')
  const told: string[] = []
  const reader = readerOf(toFile(path), kept, told)
  kept.close()

  let thrown: unknown
  try {
    reader.take(entriesFrom(0, 150))
  } catch (error) {
    thrown = error
    reader.failed(error)
  }
  reader.take(entriesFrom(150, 10))

  expect(thrown).toBeInstanceOf(Error)
  expect(told).toEqual(['A restart will repeat more for an output.'])
  expect(indexesIn(path)).toEqual(upTo(160))
})
