import { AggregatorRegistry, Registry } from 'prom-client'

/** What a worker counts, as it tells it to the process that started it. */
export type WorkerMetrics = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** What all workers count, as one: sums, and the greatest age of a key. */
export interface AllWorkerMetrics {
  readonly contentType: string
  /** Undefined: what it told last counts. */
  note(id: number, told: WorkerMetrics | undefined): void
  /** What it has counted stays: a sum that fell would look like a restart of all. */
  ended(id: number): void
  text(): Promise<string>
}

const LASTING = new Set(['counter', 'histogram'])

export function allWorkerMetrics(): AllWorkerMetrics {
  const running = new Map<number, WorkerMetrics>()
  let before: readonly WorkerMetrics[] = []
  const isLasting = ({ type }: WorkerMetrics[number]): boolean => LASTING.has(String(type))

  /** Those of many ended workers are kept as those of one. */
  async function join(): Promise<void> {
    const all = before
    const joined = await AggregatorRegistry.aggregate([...all]).getMetricsAsJSON()
    // Others may have ended meanwhile.
    before = [joined, ...before.slice(all.length)]
  }

  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    note(id, told) {
      if (told !== undefined) running.set(id, told)
    },
    ended(id) {
      const told = running.get(id)
      running.delete(id)
      if (told !== undefined) before = [...before, told.filter(isLasting)]
    },
    async text() {
      if (before.length > 1) await join()
      return AggregatorRegistry.aggregate([...before, ...running.values()]).metrics()
    },
  }
}
