import { startContender } from './contender.ts'
import type { Place } from './contender-process.ts'
import type { Goal } from './goals.ts'
import {
  ATTRIBUTES_READ,
  ATTRIBUTES_UNREAD,
  NO_ATTRIBUTES,
  ON_COPIES,
  type StoreName,
} from './ours/names.ts'
import type { Results } from './part.ts'
import { progress } from './progress.ts'
import { median } from './rounds.ts'
import type { Cell } from './table.ts'
import { FEWER_AT_RANDOM, FEWER_OPENED, IN_TURN, rowOn, type WorkingSet } from './working-sets.ts'

/** Rounds so short and many that a busy moment of the machine meets all three rows alike. */
const ROUNDS = 100
const ROUND_MS = 25
const WARM_UP_ROUNDS = 30

const KINDS = [
  { kind: 'memory', sets: [IN_TURN, FEWER_AT_RANDOM, FEWER_OPENED] },
  { kind: ON_COPIES, sets: [IN_TURN] },
] as const satisfies readonly {
  readonly kind: StoreName | typeof ON_COPIES
  readonly sets: readonly WorkingSet[]
}[]

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
  for (const { kind, sets } of KINDS) {
    const missing =
      kind === ON_COPIES && place.redisPort === 0
        ? 'no redis-server was found'
        : await costsOn(kind, { place, sets, rows, goals }).catch(({ message }: Error) => {
            failed = true
            notes.push(`FAILED: attributes, ${kind}: ${message}`)
            return message
          })
    if (missing === undefined) continue
    for (const set of sets)
      goals.push(goalOn(rowOn(kind, set), { measured: Number.NaN, why: missing }))
  }
  const title =
    'What attributes of 200 bytes add to a verification of ours, CPU µs, taken by turns of 25 ms:'
  const head = ['', 'without', 'unread add', 'read add']
  return { tables: [{ title, head, rows, notes, readme: true }], goals, failed }
}

async function costsOn(
  kind: string,
  {
    place,
    sets,
    rows,
    goals,
  }: {
    readonly place: Place
    readonly sets: readonly WorkingSet[]
    readonly rows: (readonly Cell[])[]
    readonly goals: Goal[]
  },
): Promise<undefined> {
  progress(`preparing attributes: ${kind}`)
  const contender = await startContender({ program: './ours/attributes.js', kind }, place)
  if ('absent' in contender) throw new Error(contender.absent)
  try {
    for (const set of sets) {
      progress(`attributes: ${rowOn(kind, set)}`)
      const taken = ROWS.map((): number[] => [])
      for (let turn = 1 - WARM_UP_ROUNDS; turn <= ROUNDS; turn++) {
        for (const [at, row] of ROWS.entries()) {
          const { runs, micros } = await contender.round(rowOn(row, set), { ms: ROUND_MS })
          if (turn > 0) taken[at]?.push(micros / runs)
        }
      }
      const [none = [], unread = [], read = []] = taken
      const dearer = (some: readonly number[]): number =>
        median(some.map((micros, turn) => micros - (none[turn] ?? Number.NaN)))
      rows.push([rowOn(kind, set), median(none), dearer(unread), dearer(read)])
      goals.push(goalOn(rowOn(kind, set), { measured: dearer(unread) }))
    }
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
