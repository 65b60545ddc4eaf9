import {
  EACH_OPENED,
  FEWER_AT_RANDOM,
  FEWER_OPENED,
  IN_TURN,
  rowOn,
  WORKING_SETS,
  type WorkingSet,
} from '../working-sets.ts'

export type StoreName = 'memory' | 'LMDB' | 'Redis' | 'Redis (node-redis)'

export const ON_COPIES = 'local copies'

export function oursOn(store: StoreName | typeof ON_COPIES): string {
  return `ours on ${store}`
}

/** As {@link oursOn}, from another network than the last time at every call. */
export function changedOn(store: StoreName): string {
  return `${oursOn(store)}, changed`
}

/** What is measured. */
export type OurStore = StoreName | typeof ON_COPIES

export const OURS: readonly OurStore[] = [
  ON_COPIES,
  'memory',
  'LMDB',
  'Redis',
  'Redis (node-redis)',
]

export const FORGERY = 'ours, a forged token refused'

export const NO_ATTRIBUTES = 'no attributes'
export const ATTRIBUTES_UNREAD = 'attributes unread'
export const ATTRIBUTES_READ = 'attributes read'

/** What attributes cost is measured on these, each in a process of its own. */
export const ATTRIBUTE_LOTS = [
  { store: 'memory', set: IN_TURN },
  { store: 'memory', set: FEWER_AT_RANDOM },
  { store: 'memory', set: FEWER_OPENED },
  { store: ON_COPIES, set: IN_TURN },
] as const satisfies readonly { readonly store: OurStore; readonly set: WorkingSet }[]

/** One estate of sessions, in a process of its own: the heaps of others make collecting dearer. */
export interface Lot {
  readonly store: OurStore
  readonly set: WorkingSet
  readonly moves: boolean
}

/** All of a store. Another client of the same store costs the same more on every working set. */
export function lotsOf(store: OurStore): readonly Lot[] {
  const sets = store === 'Redis (node-redis)' ? [IN_TURN] : WORKING_SETS
  const still = sets.map((set) => ({ store, set, moves: false }))
  if (store === ON_COPIES) return still
  const opened = store === 'Redis (node-redis)' ? [] : [{ store, set: EACH_OPENED, moves: false }]
  return [...still, ...opened, ...sets.map((set) => ({ store, set, moves: true }))]
}

/** The name of its row. */
export function rowOfLot({ store, set, moves }: Lot): string {
  return rowOn(moves && store !== ON_COPIES ? changedOn(store) : oursOn(store), set)
}

const REFRESHED: readonly StoreName[] = ['Redis', 'LMDB', 'memory']

/** Rotations of refresh tokens are measured on these. */
export const REFRESH_LOTS = REFRESHED.flatMap((store) =>
  WORKING_SETS.map((set) => ({ store, set, moves: false })),
)
