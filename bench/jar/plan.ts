import { join } from 'node:path'
import type { End } from './chromium.ts'
import type { Pages } from './site.ts'

/** Where figures are kept that the documents quote; from the root of the repository. */
export const MEASURED = join('docs', 'measured')

/**
 * What the cookie jar does before the end:
 * - `alone`: one `Set-Cookie`, and nothing else to be written, as a rotation every five minutes.
 * - `steady`: a `Set-Cookie` every second or two for up to half a minute, as a page with counters.
 * - `batch`: one answer that changes so many cookies that Chromium does not wait.
 */
export type Load = 'alone' | 'steady' | 'batch'

export interface Case {
  readonly name: string
  readonly load: Load
  readonly end: End
  /** The end comes within this time after the last `Set-Cookie`, at random, seconds. */
  readonly withinS: number
  readonly rounds: number
}

export const CASES: readonly Case[] = [
  { name: 'steady, killed within 3 s', load: 'steady', end: 'killed', withinS: 3, rounds: 100 },
  { name: 'steady, killed within 10 s', load: 'steady', end: 'killed', withinS: 10, rounds: 100 },
  { name: 'steady, killed within 30 s', load: 'steady', end: 'killed', withinS: 30, rounds: 100 },
  { name: 'alone, killed within 40 s', load: 'alone', end: 'killed', withinS: 40, rounds: 50 },
  { name: 'alone, network process killed', load: 'alone', end: 'network', withinS: 40, rounds: 50 },
  { name: 'alone, browser crashed', load: 'alone', end: 'crashed', withinS: 5, rounds: 40 },
  { name: 'alone, page crashed', load: 'alone', end: 'renderer', withinS: 3, rounds: 30 },
  { name: 'full batch, killed within 3 s', load: 'batch', end: 'killed', withinS: 3, rounds: 20 },
  { name: 'alone, closed', load: 'alone', end: 'closed', withinS: 3, rounds: 100 },
  { name: 'alone, SIGTERM', load: 'alone', end: 'terminated', withinS: 3, rounds: 100 },
  { name: 'alone, SIGTERM to all', load: 'alone', end: 'logout', withinS: 3, rounds: 40 },
]

export interface Round {
  readonly case: string
  readonly end: End
  readonly pages: Pages
  /** From the last `Set-Cookie` to the end, ms. */
  readonly delayMs: number
}

/** More than the commit interval: the last `Set-Cookie` falls anywhere between two commits. */
const STEADY_MS = 31_000

/** Overwriting a cookie is two operations: with these, more than 512 are waiting. */
const FILLERS = 300

/** All rounds in a random order, so that a busy minute of the machine is nobody's alone. */
export function planRounds(random: () => number): readonly Round[] {
  const rounds = CASES.flatMap(({ name, load, end, withinS, rounds: count }) =>
    Array.from({ length: count }, () => ({
      case: name,
      end,
      pages: pagesOf(load, random),
      delayMs: random() * withinS * 1_000,
    })),
  )
  return rounds
    .map((round) => ({ round, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ round }) => round)
}

function pagesOf(load: Load, random: () => number): Pages {
  if (load === 'alone') return { waits: [], fillers: 0 }
  if (load === 'batch') return { waits: [], fillers: FILLERS }
  const waits: number[] = []
  for (let left = random() * STEADY_MS; left > 0; ) {
    const wait = Math.min(left, 500 + random() * 2_000)
    waits.push(wait)
    left -= wait
  }
  return { waits, fillers: 0 }
}

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
