import { contend } from '../contender-process.ts'
import { importFloor } from '../floor.ts'
import type { Row } from '../rounds.ts'
import { rowOn, WORKING_SETS, walkThrough } from '../working-sets.ts'
import { FLOOR_ROTATIONS, type FloorClient } from './names.ts'

await contend(async ({ redisPort }, kind) => {
  const floor = await importFloor()
  const name = FLOOR_ROTATIONS[kind as FloorClient]
  if ('absent' in floor) return { absent: `${name}: ${floor.absent}` }
  const rows: Row[] = []
  for (const set of WORKING_SETS) {
    const { rotate } = await floor.rotation({
      redisPort,
      n: set.sessions,
      tiny: kind === 'least client',
    })
    const walk = walkThrough(set)
    rows.push({ name: rowOn(name, set), run: () => rotate(walk.next()) })
  }
  return rows
})
