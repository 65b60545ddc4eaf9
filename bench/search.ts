import { join } from 'node:path'
import { ordinaryTraffic } from './audit/traffic.ts'
import { expectKind, startProcess, stopProcess, wordOf } from './contender.ts'
import type { JudgedGoal } from './goals.ts'
import { sharedMachine } from './lanes.ts'
import { among } from './only.ts'
import type { Part, Results } from './part.ts'
import { progress } from './progress.ts'
import { percentile } from './rounds.ts'
import type { BesideFigures, Measured, SearchFigures, SearchWord } from './search/words.ts'
import { figure } from './table.ts'

const EVENTS = 1_000_000

/** Beside a service: log, index and rules. */
const BESIDE_EVENTS = 60_000
const PACE = 150

const ROWS = ['index', 'beside'] as const

/**
 * Measures the index of the audit log: how fast a million events go in, and are found; and what a
 * service notices of the thread that does so.
 */
export const searchPart: Part = async ({ folder, only }) => {
  const tables: Results[] = []
  const goals: JudgedGoal[] = []
  if (among(only, ROWS, 'index')) {
    const figures = await filled(folder)
    tables.push(...tablesOf(figures))
    goals.push(...goalsOf(figures))
  }
  if (among(only, ROWS, 'beside')) {
    progress('beside a service')
    const beside = await besideService(folder)
    tables.push(besideTable(beside))
    goals.push(besideGoal(beside))
  }
  return { tables, goals }
}

async function filled(folder: string): Promise<SearchFigures> {
  const child = startProcess('./search/measure.js', [JSON.stringify({ folder, count: EVENTS })])
  try {
    for (;;) {
      const word = await wordOf<SearchWord>(child)
      if (word.kind === 'measured') return word
      progress(expectKind(word, 'progress').done)
    }
  } finally {
    await stopProcess(child)
  }
}

async function besideService(folder: string): Promise<BesideFigures> {
  const place = { folder: join(folder, 'audit'), count: BESIDE_EVENTS }
  const child = startProcess('./search/beside.js', [JSON.stringify(place)])
  try {
    const { url } = expectKind(await wordOf<SearchWord>(child), 'serving')
    const traffic = await ordinaryTraffic(url, PACE)
    const beside = expectKind(await wordOf<SearchWord>(child), 'beside')
    await traffic.stop()
    return beside
  } finally {
    await stopProcess(child)
  }
}

function tablesOf(figures: SearchFigures): readonly Results[] {
  const { events, ingestMs, ingestCpuMs, batchMs, bytes, residentBytes, searches } = figures
  const perCpu = events / (ingestCpuMs / 1_000)
  return [
    {
      title: `Index of the audit log: ${events.toLocaleString('en-US')} events, 2,000 at once.`,
      head: ['', 'events/s', 'per s of CPU', 'longest batch ms', 'bytes an event', 'resident MB'],
      rows: [
        ['index', rateOf(figures), perCpu, batchMs, bytes / events, residentBytes / 1_048_576],
      ],
      notes: [`Filled in ${(ingestMs / 1_000).toFixed(0)} s.`],
    },
    {
      title:
        'Searches of that index, ms: the first page of 100 where an index serves it, else every ' +
        'slice. Answers: until all 29 days were looked at, 200 at most.',
      head: ['', 'p50', 'p95', 'longest', 'answers'],
      rows: searches.map(({ name, of, indexed, p50, p95, longest, answers }) => [
        `${of}: ${name}${indexed ? '' : ' (slices)'}`,
        ...[p50, p95, longest, String(answers)],
      ]),
    },
  ]
}

function goalsOf(figures: SearchFigures): readonly JudgedGoal[] {
  const worst = (indexed: boolean, of: (one: Measured) => number): number =>
    Math.max(...figures.searches.filter((one) => one.indexed === indexed).map(of))
  return [
    {
      ...{ code: 'S', what: 'events a second into the index', must: 4_000, moonshot: 10_000 },
      measured: rateOf(figures),
    },
    {
      ...{ code: 'S', what: 'p95 of the slowest indexed first page', must: 150, moonshot: 20 },
      ...{ unit: ' ms', measured: worst(true, ({ p95 }) => p95) },
    },
    {
      ...{ code: 'S', what: 'the longest slice of any search', must: 300, moonshot: 100 },
      ...{ unit: ' ms', measured: worst(false, ({ longest }) => longest) },
    },
  ]
}

function rateOf({ events, ingestMs }: SearchFigures): number {
  return events / (ingestMs / 1_000)
}

function besideTable({ events, ms, quiet, busy, searchMs }: BesideFigures): Results {
  return {
    title:
      `Delays of the event loop of a service that answers ${PACE} requests a second, ms, beside ` +
      'the thread of the audit log (those of 1 ms that measuring makes included).',
    head: ['', 'p50', 'p99', 'longest'],
    rows: [
      ['nothing in the log', quiet.p50, quiet.p99, quiet.longest],
      ['events as fast as the log takes them', busy.p50, busy.p99, busy.longest],
    ],
    notes: [
      `${events.toLocaleString('en-US')} events, 500 at once, ${figure(events / (ms / 1_000))} ` +
        'a second: sealed, written with an fsync, judged and indexed.',
      `A search meanwhile waits for its turn: p50 ${figure(percentile(searchMs, 0.5))} ms, ` +
        `p99 ${figure(percentile(searchMs, 0.99))} ms.`,
      sharedMachine(),
    ],
  }
}

function besideGoal({ busy }: BesideFigures): JudgedGoal {
  return {
    ...{ code: 'S', what: 'p99 of the event loop beside the thread of the log' },
    ...{ must: 20, moonshot: 5, unit: ' ms', measured: busy.p99 },
  }
}
