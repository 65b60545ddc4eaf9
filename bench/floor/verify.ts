import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { contend } from '../contender-process.ts'
import { expectUser } from '../facts.ts'
import {
  type Floor,
  type FloorHeaders,
  type FloorKind,
  type FloorPlace,
  importFloor,
  USUAL_HOST,
} from '../floor.ts'
import { geoFilesIn } from '../places.ts'
import { inTurns, type Row } from '../rounds.ts'
import { rowOn, WORKING_SETS, type WorkingSet, walkThrough } from '../working-sets.ts'
import { FLOOR_ROWS } from './names.ts'

/** The floor touches each session once in this time while it is used. */
const TOUCHED_EVERY_MS = 60_000

/** Pace of all sessions together: a thousand requests a second, by their clock. */
const REQUEST_MS = 1

/** The floor never moves a last use, which its idle timeout of 30 minutes must not overtake. */
const LONGEST_MS = 25 * 60_000

// The floor goes by the clock of the process. It is given that of the requests, as ours is.
const started = Date.now()
let clock = { ahead: 0 }

await contend(async ({ redisPort, folder }, kind) => {
  const floor = await importFloor()
  const name = FLOOR_ROWS[kind as FloorKind]
  if ('absent' in floor) return { absent: `${name}: ${floor.absent}` }
  // Local copies of ours go by the clock of the machine, because their feed does.
  const byRequests = kind !== 'hot-open+fast'
  if (byRequests) Date.now = () => Math.floor(started + clock.ahead)
  const rows: Row[] = []
  for (const set of WORKING_SETS) {
    const own = { ahead: 0 }
    clock = own
    const tmp = mkdtempSync(join(folder, 'floor-'))
    const place = { N: set.sessions, redisPort, tmp, mmdb: geoFilesIn(folder).city }
    const use = await usesOf(floor, { set, place, kind: kind as FloorKind })
    if (byRequests) {
      // From the begin, touches are spread over time as those of ours are.
      own.ahead += TOUCHED_EVERY_MS
      await inTurns(set.sessions, () => {
        own.ahead += TOUCHED_EVERY_MS / set.sessions
        return use()
      })
    }
    const run = (): Promise<void> => {
      clock = own
      own.ahead = Math.min(own.ahead + REQUEST_MS, LONGEST_MS)
      return use()
    }
    rows.push({ name: rowOn(name, set), run })
  }
  return rows
})

async function usesOf(
  floor: Floor,
  { set, place, kind }: { set: WorkingSet; place: FloorPlace; kind: FloorKind },
): Promise<() => Promise<void>> {
  const { verifyHeaders, cookies } = await floor.floorParts(place, kind)
  const [cookie = ''] = cookies
  const forged = `${cookie.slice(0, -2)}${cookie.endsWith('AA') ? 'BA' : 'AA'}`
  expectUser(await verifyHeaders(floor.headersOf(forged, 0)), null)

  const usual = cookies.map((one, turn) => fromHost(floor.headersOf(one, turn), USUAL_HOST))
  const other = cookies.map((one, turn) => fromHost(floor.headersOf(one, turn), 99))
  const users = cookies.map((_, turn) => floor.userOf(turn))
  const walk = walkThrough(set)
  return async () => {
    const turn = walk.next()
    const headers = { ...(walk.isElsewhere() ? other : usual)[turn] }
    expectUser(await verifyHeaders(headers), users[turn])
  }
}

function fromHost(headers: FloorHeaders, host: number): FloorHeaders {
  const address = headers['x-forwarded-for'] ?? ''
  return { ...headers, 'x-forwarded-for': address.replace(/\d+$/, String(host)) }
}
