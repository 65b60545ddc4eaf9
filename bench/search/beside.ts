import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { loadConfig, startService } from '@holdfast/service'
import { newKeyring, systemHost } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { API_KEY } from '../http/server.ts'
import { type Entry, entries } from './entries.ts'
import type { BesideFigures, SearchWord } from './words.ts'

/**
 * Lets the thread of an audit log take events and answer searches, as fast as it can, and measures
 * what the event loop of the service beside it notices. The bench asks the service meanwhile.
 */

/** Parts of the service that its package does not export. */
interface Modules {
  askOver(worker: Worker): { readonly remote: Desk }
  newNoteKey(name: string, random: (size: number) => Uint8Array): string
  rulesIn(path: string): readonly object[]
  readonly DEFAULT_RULES: string
}

interface Desk {
  begin(epoch: number, taken: readonly number[]): Promise<unknown>
  append(batch: readonly Entry[], through: readonly number[]): Promise<readonly number[]>
  findEvents(search: object): Promise<unknown>
  close(): Promise<void>
}

/** As the writer hands them over. */
const BATCH = 500
const SEARCH_EVERY_MS = 100
const QUIET_MS = 10_000

const { folder, count }: { folder: string; count: number } = JSON.parse(process.argv[2] ?? '{}')
process.on('disconnect', () => process.exit())

try {
  const service = await startService(loadConfig({ env: env() }), { log: { write: () => true } })
  const desk = await deskIn(folder)
  // Making them is not measured.
  const made = [...entries(count)]
  say({ kind: 'serving', url: service.url })
  await wait(QUIET_MS)
  const quiet = await delayDuring(() => wait(QUIET_MS))
  const began = performance.now()
  let searches: Searches = { searchMs: [] }
  const busy = await delayDuring(async () => {
    const stop = new AbortController()
    const searching = searchUntil(stop.signal, desk)
    await desk.begin(1, [])
    for (let at = 0; at < count; at += BATCH) await desk.append(made.slice(at, at + BATCH), [])
    stop.abort()
    searches = await searching
  })
  const ms = performance.now() - began
  await desk.close()
  say({ kind: 'beside', events: count, ms, quiet, busy, ...searches })
} catch (error) {
  say({ kind: 'failed', why: error instanceof Error ? error.message : String(error) })
}

function env(): Record<string, string> {
  return {
    HOLDFAST_API_KEYS: `bench:app:${API_KEY}`,
    HOLDFAST_LISTEN: '127.0.0.1:0',
    HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0',
    HOLDFAST_GATE_LISTEN: '127.0.0.1:0',
    HOLDFAST_STORE: 'memory:',
  }
}

async function deskIn(directory: string): Promise<Desk> {
  const built = new URL('../../../packages/service/dist/audit/', import.meta.url)
  const { askOver }: Pick<Modules, 'askOver'> = await import(`${built}thread/port.js`)
  const { newNoteKey }: Pick<Modules, 'newNoteKey'> = await import(`${built}log/note.js`)
  const { rulesIn, DEFAULT_RULES }: Pick<Modules, 'rulesIn' | 'DEFAULT_RULES'> = await import(
    `${built}findings/rules-file.js`
  )
  const worker = new Worker(new URL('desk/worker.js', built), {
    workerData: {
      directory,
      key: newNoteKey('bench', systemHost().random),
      keyring: formatKeyring(newKeyring()),
      rules: rulesIn(DEFAULT_RULES),
      alerts: loadConfig({ env: env() }).alerts,
      ...{ notices: undefined, outputs: [], witnesses: [], quorum: 0, index: undefined },
      version: '0',
    },
  })
  worker.on('error', (error) => say({ kind: 'failed', why: `The desk: ${error.message}` }))
  return askOver(worker).remote
}

/** p99 and longest of the delays of this event loop, ms. */
async function delayDuring(work: () => Promise<void>): Promise<BesideFigures['busy']> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await work()
  delay.disable()
  const [p50 = Number.NaN, p99 = Number.NaN] = [50, 99].map((at) => delay.percentile(at) / 1e6)
  return { p50, p99, longest: delay.max / 1e6 }
}

type Searches = Pick<BesideFigures, 'searchMs'>

/** How long each took, ms, ascending. */
async function searchUntil(stop: AbortSignal, desk: Desk): Promise<Searches> {
  const searchMs: number[] = []
  while (!stop.aborted) {
    const began = performance.now()
    await desk.findEvents({ type: 'session-limited', since: 0 })
    searchMs.push(performance.now() - began)
    await wait(SEARCH_EVERY_MS)
  }
  return { searchMs: searchMs.toSorted((a, b) => a - b) }
}

function say(word: SearchWord): void {
  process.send?.(word)
}
