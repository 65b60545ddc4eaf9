import { startContender } from './contender.ts'
import type { Place } from './contender-process.ts'
import type { Goal } from './goals.ts'
import {
  ATTRIBUTE_LOTS,
  ATTRIBUTES_READ,
  ATTRIBUTES_UNREAD,
  NO_ATTRIBUTES,
  ON_COPIES,
} from './ours/names.ts'
import type { Results } from './part.ts'
import { progress } from './progress.ts'
import { median } from './rounds.ts'
import type { Cell } from './table.ts'
import { rowOn, type WorkingSet } from './working-sets.ts'

/** Rounds so short and many that a busy moment of the machine meets all three rows alike. */
const ROUNDS = 100
const ROUND_MS = 25
const WARM_UP_ROUNDS = 30

const ROWS = [NO_ATTRIBUTES, ATTRIBUTES_UNREAD, ATTRIBUTES_READ] as const

interface AttributesCost {
  readonly tables: readonly Results[]
  readonly goals: readonly Goal[]
  readonly failed: boolean
}

/** Measures what attributes cost a verification whose handler does not read them, and does. */
export async function attributesCost(place: Place): Promise<AttributesCost> {
  const rows: (readonly Cell[])[] = []
  const notes: string[] = []
  const goals: Goal[] = []
  let failed = false
  for (const { store, set } of ATTRIBUTE_LOTS) {
    const row = rowOn(store, set)
    if (store === ON_COPIES && place.redisPort === 0) {
      goals.push(goalOn(row, { measured: Number.NaN, why: 'no redis-server was found' }))
      continue
    }
    try {
      const { none, unread, read } = await costOf(row, place, set)
      rows.push([row, none, unread, read])
      goals.push(goalOn(row, { measured: unread }))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      failed = true
      notes.push(`FAILED: attributes, ${row}: ${why}`)
      goals.push(goalOn(row, { measured: Number.NaN, why }))
    }
  }
  const title =
    'What attributes of 200 bytes add to a verification of ours, CPU µs, taken by turns of 25 ms:'
  const head = ['', 'without', 'unread add', 'read add']
  return { tables: [{ title, head, rows, notes, readme: true }], goals, failed }
}

interface Cost {
  /** Without attributes. */
  readonly none: number
  /** What attributes add, unread and read. */
  readonly unread: number
  readonly read: number
}

async function costOf(kind: string, place: Place, set: WorkingSet): Promise<Cost> {
  progress(`preparing attributes: ${kind}`)
  const contender = await startContender({ program: './ours/attributes.js', kind }, place)
  if ('absent' in contender) throw new Error(contender.absent)
  try {
    progress(`attributes: ${kind}`)
    const taken = ROWS.map((): number[] => [])
    for (let turn = 1 - WARM_UP_ROUNDS; turn <= ROUNDS; turn++) {
      for (const [at, row] of ROWS.entries()) {
        await contender.runIn(rowOn(row, set), { ms: ROUND_MS })
        const { runs, micros } = await contender.round(rowOn(row, set), { ms: ROUND_MS })
        if (turn > 0) taken[at]?.push(micros / runs)
      }
    }
    const [none = [], unread = [], read = []] = taken
    const dearer = (some: readonly number[]): number =>
      median(some.map((micros, turn) => micros - (none[turn] ?? Number.NaN)))
    return { none: median(none), unread: dearer(unread), read: dearer(read) }
  } finally {
    await contender.stop()
  }
}

function goalOn(on: string, cost: { readonly measured: number; readonly why?: string }): Goal {
  return {
    code: 'P7',
    what: `attributes that the handler does not read, ${on}`,
    must: 1,
    moonshot: 0,
    unit: ' µs',
    ...cost,
  }
}
