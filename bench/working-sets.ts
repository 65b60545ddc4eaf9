/** Which sessions the requests of a row are of. */
export interface WorkingSet {
  readonly name: string
  readonly sessions: number
  /** In an order of chance, the same at each lap: a session comes again after all others. */
  readonly shuffled: boolean
  /** Memory of the process for what was opened, if not as shipped. */
  readonly cacheBytes?: number
}

/** A process that sees few sessions: what it opened is still in its memory when they come again. */
export const IN_TURN: WorkingSet = { name: '1,000 in turn', sessions: 1_000, shuffled: false }

/** A process behind a balancer. */
export const AT_RANDOM: WorkingSet = { name: '20,000 at random', sessions: 20_000, shuffled: true }

export const WORKING_SETS = [IN_TURN, AT_RANDOM] as const

/** A process that sees more sessions than it remembers: each is opened at each request. */
export const EACH_OPENED: WorkingSet = {
  ...AT_RANDOM,
  name: '20,000 at random, each opened',
  cacheBytes: 0,
}

/** As {@link AT_RANDOM}, for a process that has to prepare many. */
export const FEWER_AT_RANDOM: WorkingSet = {
  name: '6,000 at random',
  sessions: 6_000,
  shuffled: true,
}

/** As {@link EACH_OPENED}, for a process that has to prepare many. */
export const FEWER_OPENED: WorkingSet = {
  ...FEWER_AT_RANDOM,
  name: '6,000 at random, each opened',
  cacheBytes: 0,
}

/** The name of a row on a working set. */
export function rowOn(what: string, { name }: WorkingSet): string {
  return `${what}, ${name}`
}

/** Requests one after another: whose each is, and whether it comes from another address. */
export interface Walk {
  next(): number
  /** Of the last one: one in ten comes from another address of its network. */
  isElsewhere(): boolean
  /** How often all sessions had their turn. */
  laps(): number
}

const ONE_IN = 10

export function walkThrough({ sessions, shuffled }: WorkingSet): Walk {
  const order = Uint32Array.from({ length: sessions }, (_, turn) => turn)
  if (shuffled) shuffle(order)
  let at = -1
  let laps = 0
  return {
    next() {
      at++
      if (at === sessions) {
        at = 0
        laps++
      }
      return order[at] ?? 0
    },
    // Another tenth of the sessions at each lap.
    isElsewhere: () => (at + laps) % ONE_IN === 0,
    laps: () => laps,
  }
}

/** Fisher and Yates, with numbers that are the same in every process. */
function shuffle(order: Uint32Array): void {
  let seed = 12_345
  for (let last = order.length - 1; last > 0; last--) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    const other = Math.floor((seed / 2 ** 32) * (last + 1))
    const kept = order[last] ?? 0
    order[last] = order[other] ?? 0
    order[other] = kept
  }
}
