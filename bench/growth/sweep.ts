import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { lmdbStore } from 'holdfast/lmdb'
import { type Grown, pathOf } from './estate.ts'
import { child, say } from './words.ts'

const IDLE_MS = 3_000
const RESOLUTION_MS = 1
const TOLD_EVERY_MS = 20_000

/** By then all sessions have expired, and nobody asks any more why. */
const LATER_MS = 4 * 24 * 3_600_000

/** Sweeps a store whose sessions have expired, and tells how long other work waited meanwhile. */
child(async (grown: Grown) => {
  const store = lmdbStore({ path: pathOf(grown), now: () => Date.now() + LATER_MS })
  const began = performance.now()
  const seconds = (): number => Math.floor((performance.now() - began) / 1_000)
  setInterval(() => say({ kind: 'progress', done: seconds() }), TOLD_EVERY_MS).unref()
  const idle = await stallsDuring(() => wait(IDLE_MS))
  let count = 0
  const started = performance.now()
  const { longestMs, longestCpuMs } = await stallsDuring(async () => {
    count = await store.sweep()
  })
  const ms = performance.now() - started
  say({ kind: 'swept', count, ms, longestMs, idleMs: idle.longestMs, longestCpuMs })
})

async function stallsDuring(
  work: () => Promise<void>,
): Promise<{ readonly longestMs: number; readonly longestCpuMs: number }> {
  let goesOn = true
  let longestCpu = 0
  const turns = async (): Promise<void> => {
    let before = process.cpuUsage()
    while (goesOn) {
      await new Promise((go) => setImmediate(go))
      const { user, system } = process.cpuUsage(before)
      longestCpu = Math.max(longestCpu, user + system)
      before = process.cpuUsage()
    }
  }
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const counting = turns()
  await work()
  goesOn = false
  await counting
  // The last turn counts, too.
  await wait(RESOLUTION_MS)
  delay.disable()
  return { longestMs: delay.max / 1e6, longestCpuMs: longestCpu / 1_000 }
}
