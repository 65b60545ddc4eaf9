import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Part } from './part.ts'
import { progress } from './progress.ts'
import { median } from './rounds.ts'

const SPAWNS = 15

const PROGRAMS = [
  { name: 'ours, memory store', program: './cold/ours.js' },
  { name: 'jose HS256', program: './peers/cold-jose.js' },
  { name: 'Node alone', program: './cold/nothing.js' },
] as const

/** Measures the time from the start of a process to its first verified session. */
export const coldPart: Part = async () => {
  progress(`cold starts, ${SPAWNS} of each`)
  const took = PROGRAMS.map((): number[] => [])
  // The first round brings the files into the cache of the system.
  for (let turn = 0; turn <= SPAWNS; turn++) {
    for (const [at, { program }] of PROGRAMS.entries()) {
      const ms = await startMs(program)
      if (turn > 0) took[at]?.push(ms)
    }
  }

  const medians = took.map(median)
  const [ours = Number.NaN, jose = Number.NaN] = medians
  return {
    tables: [
      {
        title: 'Process start to first verified session, ms.',
        head: ['', 'median', 'fastest'],
        rows: PROGRAMS.map(({ name }, at) => [
          name,
          medians[at] ?? Number.NaN,
          Math.min(...(took[at] ?? [])),
        ]),
      },
    ],
    goals: [
      {
        code: 'C',
        what: 'cold start over that of jose',
        most: 1.25,
        measured: ours / jose,
        unit: 'x',
      },
    ],
  }
}

async function startMs(program: string): Promise<number> {
  const started = performance.now()
  const child = spawn(process.execPath, [fileURLToPath(new URL(program, import.meta.url))], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 20_000,
  })
  let output = ''
  let at = Number.NaN
  child.stdout.on('data', (chunk: Buffer) => {
    at = performance.now()
    output += chunk
  })
  await once(child, 'close')
  if (output !== 'verified') throw new Error(`${program} did not verify its session.`)
  return at - started
}
