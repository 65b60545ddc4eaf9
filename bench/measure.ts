/** One thing to measure: `run` does it once; `outside` adds CPU that another process spent on it, in µs. */
export interface Case {
  readonly name: string
  readonly run: () => unknown
  readonly outside?: () => Promise<number>
}

export interface Measured {
  readonly name: string
  /** Median over the rounds, CPU µs for one run. */
  readonly micros: number
  /** Lowest and highest round. */
  readonly range: readonly [number, number]
}

const ROUNDS = 7
const ROUND_MS = 250
const IN_FLIGHT = 64

/**
 * CPU per run, not time: the machine may be busy. The cases take turns, so that a slow minute hits all of them
 * alike, and each figure is the median of its rounds. 64 runs are in flight at once, as under load.
 */
export async function measure(cases: readonly Case[]): Promise<readonly Measured[]> {
  const rounds = cases.map((): number[] => [])
  for (const one of cases) await round(one)
  for (let turn = 0; turn < ROUNDS; turn++) {
    for (const [at, one] of cases.entries()) rounds[at]?.push(await round(one))
  }
  return cases.map(({ name }, at) => {
    const sorted = [...(rounds[at] ?? [])].sort((a, b) => a - b)
    const [low = 0, high = 0] = [sorted[0], sorted.at(-1)]
    return { name, micros: sorted[Math.floor(sorted.length / 2)] ?? 0, range: [low, high] }
  })
}

async function round({ run, outside }: Case): Promise<number> {
  const outsideBefore = (await outside?.()) ?? 0
  const before = process.cpuUsage()
  const end = performance.now() + ROUND_MS
  let runs = 0
  while (performance.now() < end) {
    const flight: unknown[] = []
    for (let i = 0; i < IN_FLIGHT; i++) flight.push(run())
    await Promise.all(flight)
    runs += IN_FLIGHT
  }
  const { user, system } = process.cpuUsage(before)
  const outsideAfter = (await outside?.()) ?? 0
  return (user + system + outsideAfter - outsideBefore) / runs
}

/** A table with one line a case: CPU µs, spread, and the ratio to the case that `unit` names. */
export function table(measured: readonly Measured[], unit: string): string {
  const base = measured.find(({ name }) => name === unit)?.micros ?? Number.NaN
  const width = Math.max(...measured.map(({ name }) => name.length))
  const lines = measured.map(({ name, micros, range }) => {
    const spread = `${range[0].toFixed(1)} to ${range[1].toFixed(1)}`
    return `  ${name.padEnd(width)}  ${micros.toFixed(1).padStart(8)}  ${spread.padStart(18)}  ${`${(micros / base).toFixed(2)}x`.padStart(8)}`
  })
  const head = `  ${''.padEnd(width)}  ${'CPU µs'.padStart(8)}  ${'rounds'.padStart(18)}  ${'ratio'.padStart(8)}`
  return [head, ...lines].join('\n')
}
