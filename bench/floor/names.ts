import type { FloorKind } from '../floor.ts'

/** The rows of the floor, by the kind of its store. */
export const FLOOR_ROWS: Readonly<Record<FloorKind, string>> = {
  'hot-open+fast': 'the floor, opened records in the process',
  'hot-sealed+fast': 'the floor, sealed records in the process',
  'lmdb+fast': 'the floor on LMDB',
  'redis+fast': 'the floor on Redis',
  'redis-tiny+fast': 'the floor on Redis, least client',
}

export type FloorClient = 'ioredis' | 'least client'

/** Its rotations on Redis, by the client. */
export const FLOOR_ROTATIONS: Readonly<Record<FloorClient, string>> = {
  ioredis: 'the floor, ioredis',
  'least client': 'the floor, least client',
}
