import { type Random, random } from '../bench/hijack/random.ts'
import { until } from '../packages/holdfast/test/support/until.ts'
import type { Estate } from './estate.ts'
import { type Fault, faultsOf } from './faults.ts'
import { type Excused, model, type Violation } from './model.ts'
import { person } from './person.ts'
import type { MemorySample, ServiceProcess } from './services.ts'
import { type TallyRow, tally } from './tally.ts'
import { weatherLog } from './weather-log.ts'

export interface RunOptions {
  readonly estate: Estate
  readonly services: readonly ServiceProcess[]
  readonly seed: string
  readonly minutes: number
  readonly people: number
  /** The machine has other work: what took long is told, and no violation. */
  readonly busy: boolean
  /** Hears twice a minute how far it is. */
  readonly onProgress: (line: string) => void
}

export interface StruckRow {
  readonly name: string
  readonly times: number
  /** From the end of the fault until login and verification work through every service. */
  readonly backP50Ms: number
  readonly backMostMs: number
}

export interface RunReport {
  readonly rows: readonly TallyRow[]
  readonly faults: readonly StruckRow[]
  /** Their names, as they came. */
  readonly order: readonly string[]
  readonly masters: number
  readonly violations: readonly Violation[]
  readonly excused: ReadonlyMap<Excused, number>
  /** Of the service that is never killed, every few seconds. */
  readonly memory: readonly MemorySample[]
}

const THINKING_MS = 400
const LOOK_MS = 500
const MASTERS_MS = 200
const MEMORY_MS = 5_000
const TELL_MS = 30_000
const BACK_WITHIN_MS = 30_000
/** So many faults, and then time to be well. */
const FAULTS_A_ROUND = 5
const WELL_MS = 7_000
/** A service that says it is ready has to have written something in so long, if it was asked to. */
const READY_MEANS_MS = 4_000

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Lets people use the services while faults strike, and looks at the end whether all is true. */
export async function run(options: RunOptions): Promise<RunReport> {
  const { estate, services, seed, minutes, people, busy, onProgress } = options
  const startedAt = performance.now()
  const endsAt = startedAt + minutes * 60_000
  const log = weatherLog()
  const truth = model({ log, startedAt, busy, tell: onProgress })
  const counted = tally()
  const draws = random(`${seed}/${estate.kind}`)
  const world = { model: truth, log, tally: counted, services }
  const crowd = Array.from({ length: people }, (_, number) =>
    person(number, world, draws.stream(`person ${number}`)),
  )
  const prober = person(people, world, draws.stream('prober'))
  const struck = new Map<string, number[]>()
  const order: string[] = []
  const memory: MemorySample[] = []
  const backWithinMs = busy ? 3 * BACK_WITHIN_MS : BACK_WITHIN_MS
  let masters = 0
  let stopped = false

  const isOver = (): boolean => stopped || performance.now() >= endsAt

  async function live(one: (typeof crowd)[number], own: Random): Promise<void> {
    while (!isOver()) {
      await one.act()
      await sleep(own.wait(THINKING_MS))
    }
  }

  async function every(ms: number, look: () => Promise<void> | void): Promise<void> {
    while (!isOver()) {
      await look()
      await sleep(ms)
    }
  }

  let leading: ReadonlySet<unknown> = new Set(await estate.masters())
  let settle: (() => void) | undefined
  async function lookAtMasters(): Promise<void> {
    const now = new Set(await estate.masters())
    const newcomers = [...now].filter((node) => !leading.has(node)).length
    if (newcomers > 0) {
      masters += newcomers
      log.replaced()
    }
    leading = now.size === 0 ? leading : now
    if (await estate.isSettled()) {
      settle?.()
      settle = undefined
    } else settle ??= log.begin('masters that are replaced', true)
  }

  const readySince = new Map<ServiceProcess, number>()
  /** Where applications do not reach a service, it cannot know. */
  let hidden = false
  async function lookAtReadiness(): Promise<void> {
    for (const service of services) {
      const now = performance.now()
      if (hidden || !(await service.isReady())) {
        readySince.delete(service)
        if (!hidden && log.wasCalm(now, performance.now()))
          truth.late('not ready', `${service.name} is not, and nothing is wrong`)
        continue
      }
      const since = readySince.get(service) ?? now
      readySince.set(service, since)
      if (now - since < READY_MEANS_MS) continue
      if (counted.wroteSince(service, now - READY_MEANS_MS) === false)
        truth.late('not ready', `${service.name} says it is, and no write comes through`)
    }
  }

  async function untilAllWorks(): Promise<boolean> {
    const from = performance.now()
    while (performance.now() - from < backWithinMs) {
      if (await worksThrough()) return true
      await sleep(50)
    }
    return false
  }

  async function worksThrough(): Promise<boolean> {
    for (const service of services) {
      if (!(await service.isReady()) || !(await prober.provesThrough(service))) return false
    }
    return true
  }

  async function strike(fault: Fault): Promise<void> {
    const over = log.begin(fault.name, fault.losing === true)
    hidden = fault.hidesService === true
    try {
      await fault.strike()
      const passedAt = performance.now()
      const works = await untilAllWorks()
      if (!works && !(await estate.isSettled()))
        throw new Error(`The servers themselves did not come back after: ${fault.name}.`)
      if (!works)
        truth.violate('not available', `not back in ${backWithinMs / 1_000} s: ${fault.name}`)
      const times = struck.get(fault.name) ?? []
      times.push(performance.now() - passedAt)
      struck.set(fault.name, times)
    } finally {
      hidden = false
      over()
    }
  }

  async function strikeOn(): Promise<void> {
    const faults = faultsOf({ estate, services, log, random: draws.stream('faults') })
    const choice = draws.stream('choice of faults')
    for (let number = 1; !isOver(); number++) {
      const fault = weighted(faults, choice)
      // Waited for, and not left out: a seed gives the same faults again.
      if (fault.onWhole === true) await until('every server is up', estate.isWhole)
      await strike(fault)
      order.push(fault.name)
      await sleep(number % FAULTS_A_ROUND === 0 ? WELL_MS : choice.wait(500))
    }
  }

  const all = [
    ...crowd.map((one, number) => live(one, draws.stream(`time ${number}`))),
    every(MASTERS_MS, lookAtMasters),
    every(LOOK_MS, lookAtReadiness),
    every(MEMORY_MS, async () => {
      const sample = await services[0]?.memory()
      if (sample !== undefined) memory.push(sample)
    }),
    every(TELL_MS, () => onProgress(progressOf())),
    strikeOn(),
  ]
  try {
    await Promise.all(all)
  } finally {
    stopped = true
  }

  function progressOf(): string {
    const asked = counted.rows().reduce((sum, { answered, away }) => sum + answered + away, 0)
    const faults = [...struck.values()].reduce((sum, { length }) => sum + length, 0)
    const minute = ((performance.now() - startedAt) / 60_000).toFixed(1)
    return (
      `${estate.kind} ${minute} of ${minutes} min: ${asked} operations, ${faults} faults, ` +
      `${masters} masters replaced, ${truth.violations.length} violations`
    )
  }

  // Everything is well again: now all that is known has to be true through every service.
  const settled = async (): Promise<boolean> => {
    await lookAtMasters()
    return settle === undefined
  }
  await until('the servers have settled', settled)
  if (!(await untilAllWorks())) truth.violate('not available', 'at the end')
  await sleep(WELL_MS)
  for (const one of crowd) await one.audit()
  onProgress(progressOf())

  return {
    ...{ rows: counted.rows(), masters, memory, order },
    faults: [...struck].map(([name, times]) => struckRow(name, times)),
    ...{ violations: truth.violations, excused: truth.excused },
  }
}

function struckRow(name: string, times: readonly number[]): StruckRow {
  const sorted = [...times].sort((a, b) => a - b)
  return {
    ...{ name, times: times.length },
    backP50Ms: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    backMostMs: sorted.at(-1) ?? Number.NaN,
  }
}

function weighted(faults: readonly Fault[], random: Random): Fault {
  let draw = random.next() * faults.reduce((sum, { weight }) => sum + weight, 0)
  for (const fault of faults) {
    draw -= fault.weight
    if (draw < 0) return fault
  }
  return random.pick(faults)
}
