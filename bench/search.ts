import { startProcess, stopProcess, wordOf } from './contender.ts'
import type { JudgedGoal } from './goals.ts'
import type { Part, Results } from './part.ts'
import { progress } from './progress.ts'
import type { Measured, SearchFigures, SearchWord } from './search/words.ts'

const EVENTS = 1_000_000

/** Measures the index of the audit log: how fast a million events go in, and are found. */
export const searchPart: Part = async ({ folder }) => {
  const child = startProcess('./search/measure.js', [JSON.stringify({ folder, count: EVENTS })])
  try {
    for (;;) {
      const word = await wordOf<SearchWord>(child)
      if (word.kind === 'failed') throw new Error(word.why)
      if (word.kind === 'measured') return { tables: tablesOf(word), goals: goalsOf(word) }
      progress(word.done)
    }
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
