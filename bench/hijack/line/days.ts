import { type Random, random } from '../random.ts'
import { type Line, lineOf, type Showing } from './line.ts'

/** How a page is used, and what becomes of its requests. Times in ms, shares from 0 to 1. */
export interface Page {
  readonly name: string
  /** Between two visits to the page. */
  readonly think: Range
  readonly answers: Range
  /** Chains of calls at once, and the calls of each, one after the other. */
  readonly chains: readonly [number, number]
  readonly sensitive: number
  /** Answers that take 12 to 45 s: they leave without a secret. */
  readonly late: number
  readonly lost: number
  /** Requests of sockets and of other paths that cannot carry a cookie. */
  readonly undeliverable: number
  /** Requests over the other address of the line. */
  readonly bySix: number
}

type Range = readonly [from: number, to: number]

const plain = {
  think: [4_000, 90_000],
  chains: [3, 3],
  late: 0,
  lost: 0,
  undeliverable: 0,
  bySix: 0,
} as const

/** Pages with overlapping sensitive calls, and what happens to them. */
export const PAGES: readonly Page[] = [
  {
    ...plain,
    name: '10 % sensitive, answers of 30 to 400 ms',
    answers: [30, 400],
    sensitive: 0.1,
  },
  {
    ...plain,
    name: '10 % sensitive, answers of 30 to 2000 ms',
    answers: [30, 2_000],
    sensitive: 0.1,
  },
  { ...plain, name: '1 % sensitive, answers of 30 to 400 ms', answers: [30, 400], sensitive: 0.01 },
  {
    ...plain,
    name: '20 % sensitive, 3 chains of 5 calls',
    answers: [30, 2_000],
    chains: [3, 5],
    sensitive: 0.2,
  },
  {
    ...plain,
    name: 'late and lost answers, sockets, both addresses of a line',
    answers: [30, 2_000],
    sensitive: 0.1,
    late: 0.02,
    lost: 0.01,
    undeliverable: 0.2,
    bySix: 0.05,
  },
]

const DAY_MS = 8 * 3_600_000
/** Adapters hold a secret back that would leave later. */
const ANSWER_MS = 10_000
const LATE: Range = [12_000, 45_000]

/** Of some days of one browser: those on which it was taken for two holders. */
export interface Days {
  readonly page: string
  readonly days: number
  readonly forks: number
  readonly requests: number
}

export interface DaysJob {
  readonly page: number
  readonly seed: string
  readonly from: number
  readonly until: number
}

export async function days({ page: at, seed, from, until }: DaysJob): Promise<Days> {
  const page = PAGES[at]
  if (page === undefined) throw new RangeError('no such page')
  let [forks, requests] = [0, 0]
  for (let day = from; day < until; day++) {
    const used = await dayOf(page, random(`${seed} ${page.name} ${day}`))
    if (used.refused) forks++
    requests += used.requests
  }
  return { page: page.name, days: until - from, forks, requests }
}

/** Eight hours of one browser with one cookie jar. Ends when anything is refused. */
async function dayOf(
  page: Page,
  rng: Random,
): Promise<{ readonly refused: boolean; readonly requests: number }> {
  const line = lineOf('session')
  const jar = jarOf(line, await line.login())
  const between = ([from, to]: Range): number => from + (to - from) * rng.next()
  const end = line.now() + DAY_MS

  function ask(done: () => void): void {
    const whole = between(page.answers)
    const up = whole * rng.next()
    const late = rng.chance(page.late)
    const down = late ? between(LATE) : whole - up
    const how: Showing = {
      sensitive: rng.chance(page.sensitive),
      deliverable: !rng.chance(page.undeliverable),
      bySix: rng.chance(page.bySix),
    }
    jar.send({ up, down, lost: rng.chance(page.lost), how, done })
  }

  function chain(left: number): void {
    if (left > 0) ask(() => line.at(line.now() + between([0, 100]), () => chain(left - 1)))
  }

  function visit(): void {
    if (line.now() > end) return
    ask(() => {
      for (let parts = rng.below(4); parts > 0; parts--)
        line.at(line.now() + between([0, 250]), () => ask(() => {}))
    })
    const [chains, calls] = page.chains
    for (let started = 0; started < chains; started++)
      line.at(line.now() + between([0, 100]), () => chain(calls))
    line.at(line.now() + between(page.think), visit)
  }

  visit()
  await line.run(jar.refused)
  return { refused: jar.refused(), requests: jar.requests() }
}

/** One cookie jar: answers overwrite what it holds, in the order of their arrival. */
export interface Jar {
  held(): string
  refused(): boolean
  requests(): number
  /** Shows what the jar holds now; judged after `up` ms, answered `down` ms after that. */
  send(request: {
    readonly up: number
    readonly down: number
    readonly lost?: boolean
    readonly how?: Showing
    readonly done?: () => void
  }): void
}

export function jarOf(line: Line, first: string): Jar {
  let held = first
  let refused = false
  let requests = 0
  return {
    held: () => held,
    refused: () => refused,
    requests: () => requests,
    send({ up, down, lost = false, how, done = () => {} }) {
      const secret = held
      requests++
      line.at(line.now() + up, async () => {
        const { ok, sent } = await line.show(secret, how)
        if (!ok) refused = true
        line.at(line.now() + down, () => {
          if (sent !== undefined && !lost && down <= ANSWER_MS) held = sent
          done()
        })
      })
    },
  }
}
