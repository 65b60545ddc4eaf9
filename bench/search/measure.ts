import { statSync } from 'node:fs'
import { join } from 'node:path'
import { random } from '../hijack/random.ts'
import { ASKED, type Asked, type Query } from './asked.ts'
import { type Entry, entries, NOW } from './entries.ts'
import type { Measured, SearchFigures, SearchWord } from './words.ts'

/** Fills an index and searches it, in this process alone: the memory is that of the worker. */

interface Found {
  readonly next?: string
}

interface Index extends Readonly<Record<Asked['of'], (query: Query) => Found>> {
  ingest(batch: readonly Entry[]): void
}

/** Parts of the service that its package does not export. */
interface Modules {
  openDatabase(path: string): { all(sql: string): unknown; close(): void }
  openIndex(database: unknown, options: { readonly now: () => number }): Index
}

const BATCH = 2_000
const RUNS = 200
const MOST_ANSWERS = 200

const { folder, count }: { folder: string; count: number } = JSON.parse(process.argv[2] ?? '{}')
process.on('disconnect', () => process.exit())

try {
  const path = join(folder, 'index.db')
  const { openDatabase, openIndex } = await modules()
  const database = openDatabase(path)
  const index = openIndex(database, { now: () => NOW })
  const filled = fill(index)
  const searches = ASKED.map((asked) => {
    say({ kind: 'progress', done: `${asked.of}: ${asked.name}` })
    return measure(index, asked)
  })
  const residentBytes = process.memoryUsage.rss()
  database.all('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  const bytes = statSync(path).size
  say({ kind: 'measured', events: count, ...filled, bytes, residentBytes, searches })
} catch (error) {
  say({ kind: 'failed', why: error instanceof Error ? error.message : String(error) })
}

async function modules(): Promise<Modules> {
  const built = new URL('../../../packages/service/dist/audit/', import.meta.url)
  const database: Pick<Modules, 'openDatabase'> = await import(`${built}database.js`)
  const index: Pick<Modules, 'openIndex'> = await import(`${built}search/event-index.js`)
  return { ...database, ...index }
}

/** Making the entries is not measured. */
function fill(index: Index): Pick<SearchFigures, 'ingestMs' | 'ingestCpuMs' | 'batchMs'> {
  let ingestMs = 0
  let ingestCpuMs = 0
  let batchMs = 0
  let batch: Entry[] = []
  const ingest = (): void => {
    const [began, before] = [performance.now(), process.cpuUsage()]
    index.ingest(batch)
    const ms = performance.now() - began
    const { user, system } = process.cpuUsage(before)
    ingestCpuMs += (user + system) / 1_000
    ingestMs += ms
    batchMs = Math.max(batchMs, ms)
    batch = []
  }
  for (const entry of entries(count)) {
    batch.push(entry)
    if (batch.length < BATCH) continue
    ingest()
    if ((entry.index + 1) % 100_000 === 0)
      say({ kind: 'progress', done: `${entry.index + 1} events` })
  }
  ingest()
  return { ingestMs, ingestCpuMs, batchMs }
}

function measure(index: Index, { name, of, indexed, query }: Asked): Measured {
  const draws = random(`${of} ${name}`)
  const times: number[] = []
  let asked: Query = {}
  for (let run = 0; run < RUNS; run++) {
    asked = query(draws)
    times.push(timed(() => index[of](asked)).ms)
  }
  let answers = 0
  let after: string | undefined
  do {
    const { ms, found } = timed(() => index[of](after === undefined ? asked : { ...asked, after }))
    if (!indexed) times.push(ms)
    after = found.next
    answers++
  } while (after !== undefined && answers < MOST_ANSWERS)
  times.sort((a, b) => a - b)
  const at = (part: number): number => times[Math.ceil(times.length * part) - 1] ?? Number.NaN
  return { name, of, indexed, p50: at(0.5), p95: at(0.95), longest: at(1), answers }
}

function timed(search: () => Found): { readonly ms: number; readonly found: Found } {
  const began = performance.now()
  const found = search()
  return { ms: performance.now() - began, found }
}

function say(word: SearchWord): void {
  process.send?.(word)
}
