import type { ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { expectKind, startProcess, stopProcess, wordOf } from './contender.ts'
import type { PromisedGoal } from './goals.ts'
import { openEstate } from './lanes.ts'
import type { Bench, Part } from './part.ts'
import type { ProcessOrder, ProcessPlace, ProcessWord } from './processes/words.ts'
import { progress } from './progress.ts'
import { median } from './rounds.ts'

const COUNTS = [1, 2, 4] as const
const KINDS = ['local copies', 'strict'] as const
const ROUNDS = 5
const WARM_UP_ROUNDS = 2
/** Of each process in a round. */
const RUNS = 2_000
const ENDINGS = 10

interface Group {
  readonly kind: (typeof KINDS)[number]
  readonly count: number
  readonly children: readonly ChildProcess[]
  readonly rounds: { readonly perSecond: number; readonly micros: number }[]
  /** ms from the answer to a logout until all other processes refuse the session. */
  readonly known: number[]
}

/**
 * Measures several processes on one Redis that verify at the same time, and how long the end of a
 * session takes to be known in all of them.
 */
export const processesPart: Part = async (bench: Bench) => {
  const estate = await openEstate(bench, { stores: ['Redis'], sets: ['turn'] })
  const { redis, crowds } = estate
  const children: ChildProcess[] = []
  try {
    if (redis === undefined || crowds.Redis === undefined) return { goals: goalsOf([]) }
    const { ground, keyring } = estate
    const groups: Group[] = []
    for (const kind of KINDS) {
      const hot = kind === 'local copies'
      const place: ProcessPlace = { hot, ...ground, keyring, crowd: crowds.Redis }
      for (const count of COUNTS) {
        progress(`starting ${count} with ${kind}`)
        const all = Array.from({ length: count }, () =>
          startProcess('./processes/one.js', [JSON.stringify(place)]),
        )
        children.push(...all)
        for (const child of all) expectKind(await wordOf<ProcessWord>(child), 'ready')
        groups.push({ kind, count, children: all, rounds: [], known: [] })
      }
    }
    for (let turn = 1 - WARM_UP_ROUNDS; turn <= ROUNDS; turn++) {
      progress(turn <= 0 ? 'warming up' : `processes, round ${turn} of ${ROUNDS}`)
      for (const group of groups) {
        const before = (await redis.read()).cpuMicros
        const words = await Promise.all(group.children.map((child) => asked(child, VERIFY)))
        const redisMicros = (await redis.read()).cpuMicros - before
        if (turn > 0) group.rounds.push(together(words, redisMicros))
      }
    }
    let ended = 0
    for (const group of groups.filter(({ count }) => count > 1)) {
      progress(`ending sessions in ${group.count} processes, ${group.kind}`)
      for (let turn = 0; turn < ENDINGS; turn++) group.known.push(await knownIn(group, ended++))
    }
    return {
      tables: [
        {
          title:
            `Several processes on one Redis that verify at once, 1,000 sessions. This machine ` +
            `has ${availableParallelism()} cores, which the processes and Redis share. Known ` +
            'elsewhere: ms from the answer to a logout until every other process refuses.',
          head: ['', 'verifications/s', 'CPU µs', 'over one process', 'known elsewhere', 'most'],
          rows: groups.map((group) => [
            `${group.count} with ${group.kind}`,
            median(group.rounds.map(({ perSecond }) => perSecond)).toFixed(0),
            microsOf(group),
            group.count === 1 ? '' : overOne(groups, group).toFixed(2),
            group.known.length === 0 ? '' : median(group.known),
            group.known.length === 0 ? '' : Math.max(...group.known),
          ]),
        },
      ],
      goals: goalsOf(groups),
    }
  } finally {
    await Promise.all(children.map(stopProcess))
    await estate.stop()
  }
}

const VERIFY: ProcessOrder = { kind: 'verify', runs: RUNS }

async function asked(child: ChildProcess, order: ProcessOrder) {
  child.send(order)
  return expectKind(await wordOf<ProcessWord>(child), 'verified')
}

function together(
  words: readonly Extract<ProcessWord, { readonly kind: 'verified' }>[],
  redisMicros: number,
): Group['rounds'][number] {
  const sum = (of: (word: (typeof words)[number]) => number): number =>
    words.reduce((all, word) => all + of(word), 0)
  const runs = sum((word) => word.runs)
  return {
    perSecond: sum((word) => (word.runs / word.ms) * 1_000),
    micros: (sum((word) => word.micros) + redisMicros) / runs,
  }
}

/** One process ends a session, and all others ask until it is refused. */
async function knownIn({ children }: Group, turn: number): Promise<number> {
  const [first, ...others] = children
  if (first === undefined) return Number.NaN
  for (const child of others) {
    const order: ProcessOrder = { kind: 'await end', turn }
    child.send(order)
    expectKind(await wordOf<ProcessWord>(child), 'waiting')
  }
  const refused = Promise.all(others.map((child) => wordOf<ProcessWord>(child)))
  const order: ProcessOrder = { kind: 'end', turn }
  first.send(order)
  const { at } = expectKind(await wordOf<ProcessWord>(first), 'ended')
  const last = Math.max(...(await refused).map((word) => expectKind(word, 'refused').at))
  return Math.max(0, last - at)
}

function microsOf({ rounds }: Group): number {
  return median(rounds.map(({ micros }) => micros))
}

/** Round by round, as a slow minute affects both alike. */
function overOne(groups: readonly Group[], { kind, rounds }: Group): number {
  const one = groups.find((group) => group.kind === kind && group.count === 1)
  return median(rounds.map(({ micros }, at) => micros / (one?.rounds[at]?.micros ?? Number.NaN)))
}

function goalsOf(groups: readonly Group[]): readonly PromisedGoal[] {
  return KINDS.map((kind) => {
    const group = groups.find((one) => one.kind === kind && one.count === 2)
    return {
      code: 'W',
      what: `CPU of a verification in 2 processes at once, ${kind}, over one process`,
      most: 1.08,
      measured: group === undefined ? Number.NaN : overOne(groups, group),
      unit: 'x',
    }
  })
}
