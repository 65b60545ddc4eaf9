import { type Contender, type Program, startContender } from './contender.ts'
import type { Place } from './contender-process.ts'
import { progress } from './progress.ts'
import { callsBetween, type RedisServer } from './redis-server.ts'
import { median, warmUp } from './rounds.ts'

/** The figures of a row over all of its rounds. */
export interface Measured {
  readonly name: string
  /** Median CPU µs of one run, that of Redis included. */
  readonly micros: number
  /** The part of `micros` that Redis took. */
  readonly redisMicros: number
  /** Redis commands of one run. */
  readonly commands: number
  /** Lowest and highest round. */
  readonly range: readonly [number, number]
}

export interface Field {
  readonly measured: readonly Measured[]
  /** Rows and contenders without a figure, with the reason. */
  readonly missing: readonly string[]
}

const ROUNDS = 7
/** Long enough for its share of what the collector does once a second or so. */
const ROUND_MS = 750
/**
 * A second after a stop of a minute V8 collects all garbage of a large heap: it takes the process
 * for one with little to do, and lowers its limit. That takes a quarter of a second, and is over by
 * then.
 */
const RUN_IN_MS = 2_000
const WARM_UP_MS = 4_000

interface Lane {
  readonly row: string
  readonly contender: Contender
  readonly rounds: Omit<Measured, 'name' | 'range'>[]
  failed?: true
}

/**
 * Measures each contender in a process of its own. The rows are measured by turns, so that a slow
 * minute affects all of them alike, and each figure is the median of its rounds.
 */
export async function measureField(
  programs: readonly Program[],
  place: Place,
  redis: RedisServer | undefined,
): Promise<Field> {
  const contenders: Contender[] = []
  const lanes: Lane[] = []
  const missing: string[] = []
  try {
    // Two at a time: to prepare one takes longer than to measure it.
    const waiting = [...programs]
    const prepared = new Map<Program, Contender>()
    const prepareAll = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const program = next
        progress(`preparing ${nameOf(program)}`)
        const contender = await startContender(program, place).catch((error: Error) => ({
          failed: error.message,
        }))
        if ('failed' in contender) missing.push(`FAILED: ${nameOf(program)}: ${contender.failed}`)
        else if ('absent' in contender) missing.push(`not measured: ${contender.absent}`)
        else {
          contenders.push(contender)
          prepared.set(program, contender)
        }
      }
    }
    await Promise.all([prepareAll(), prepareAll()])
    for (const program of programs) {
      const contender = prepared.get(program)
      if (contender !== undefined)
        lanes.push(...contender.rows.map((row) => ({ row, contender, rounds: [] })))
    }

    const attempt = async (lane: Lane, work: () => Promise<unknown>): Promise<void> => {
      if (lane.failed) return
      try {
        await work()
      } catch (error) {
        lane.failed = true
        missing.push(`FAILED: ${lane.row}: ${(error as Error).message}`)
      }
    }
    progress('warming up')
    for (const lane of lanes) {
      const some = async (): Promise<number> =>
        (await lane.contender.round(lane.row, { ms: ROUND_MS })).runs
      await attempt(lane, () => warmUp(some, { mostMs: WARM_UP_MS }))
    }
    for (let turn = 1; turn <= ROUNDS; turn++) {
      progress(`round ${turn} of ${ROUNDS}`)
      for (const lane of lanes) {
        await attempt(lane, async () => lane.rounds.push(await roundOf(lane, redis)))
      }
    }
  } finally {
    await Promise.all(contenders.map((contender) => contender.stop()))
  }
  return { measured: lanes.filter(({ failed }) => !failed).map(summary), missing }
}

function nameOf({ program, kind }: Program): string {
  const name = program.replace(/^\.\/(.+)\.js$/, '$1')
  return kind === undefined ? name : `${name}: ${kind}`
}

async function roundOf(
  { row, contender }: Lane,
  redis: RedisServer | undefined,
): Promise<Omit<Measured, 'name' | 'range'>> {
  await contender.runIn(row, { ms: RUN_IN_MS })
  const before = await redis?.read()
  const { runs, micros } = await contender.round(row, { ms: ROUND_MS })
  const after = await redis?.read()
  if (before === undefined || after === undefined) {
    return { micros: micros / runs, redisMicros: 0, commands: 0 }
  }
  const commands = callsBetween(before, after).reduce((sum, [, count]) => sum + count, 0)
  // What Redis does when idle is not charged to a row that does not use it.
  const redisMicros = commands < runs / 1_000 ? 0 : after.cpuMicros - before.cpuMicros
  return {
    micros: (micros + redisMicros) / runs,
    redisMicros: redisMicros / runs,
    commands: commands / runs,
  }
}

function summary({ row, rounds }: Lane): Measured {
  const all = rounds.map(({ micros }) => micros)
  return {
    name: row,
    micros: median(all),
    redisMicros: median(rounds.map(({ redisMicros }) => redisMicros)),
    commands: median(rounds.map(({ commands }) => commands)),
    range: [Math.min(...all), Math.max(...all)],
  }
}
