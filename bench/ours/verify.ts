import { setTimeout as wait } from 'node:timers/promises'
import { contend, type Place } from '../contender-process.ts'
import { geoFilesIn } from '../places.ts'
import { inTurns, type Row } from '../rounds.ts'
import { EACH_OPENED, IN_TURN, rowOn, WORKING_SETS, type WorkingSet } from '../working-sets.ts'
import { type Estate, estateOn, expectOpened } from './estate.ts'
import { changedOn, ON_COPIES, oursOn, type StoreName } from './names.ts'
import { STORES } from './stores.ts'

/** For local copies to be in use. */
const TRIES = 30
const AGAIN_MS = 500

await contend(async (place, kind) =>
  kind === ON_COPIES ? hotRows(place) : storeRows(place, kind as StoreName),
)

async function storeRows(place: Place, name: StoreName): Promise<readonly Row[]> {
  const open = await STORES[name](place)
  const geo = geoFilesIn(place.folder)
  const rows: Row[] = []
  for (const [at, set] of [...setsOf(name), ...openedOf(name)].entries()) {
    const store = (now: () => number) => open(`still-${at}`, now)
    const still = await estateOn({ store, set, geo })
    await expectOpened(still)
    rows.push({ name: rowOn(oursOn(name), set), run: () => still.use() })
  }
  for (const set of setsOf(name)) {
    const store = (now: () => number) => open(`moving-${set.sessions}`, now)
    const moving = await estateOn({ store, set, geo, away: [] })
    rows.push({ name: rowOn(changedOn(name), set), run: () => moving.move() })
  }
  return rows
}

/** Another client of the same store costs the same more on every working set. */
function setsOf(name: StoreName): readonly WorkingSet[] {
  return name === 'Redis (node-redis)' ? [IN_TURN] : WORKING_SETS
}

function openedOf(name: StoreName): readonly WorkingSet[] {
  return name === 'Redis (node-redis)' ? [] : [EACH_OPENED]
}

/** All sessions from local copies, by the clock of the machine. */
async function hotRows(place: Place): Promise<readonly Row[]> {
  const open = await STORES.Redis(place)
  const rows: Row[] = []
  for (const set of WORKING_SETS) {
    const counted = { hit: 0, miss: 0 }
    const estate = await estateOn({
      store: (now) => open(`hot-${set.sessions}`, now),
      set,
      geo: geoFilesIn(place.folder),
      localCopies: {
        max: set.sessions,
        onAsked: (state) => {
          counted[state]++
        },
      },
      clock: 'of the machine',
    })
    rows.push({
      name: rowOn(oursOn(ON_COPIES), set),
      run: () => estate.use(),
      // Between the rounds its users go on: a lease of a few seconds would be over at each begin.
      async before() {
        for (let tries = 0; tries < TRIES; tries++) {
          await renewed(estate)
          counted.hit = 0
          await renewed(estate)
          if (counted.hit >= set.sessions * 0.98) return
          // The feed of so many logins has to be followed first.
          await wait(AGAIN_MS)
        }
        throw new Error(`Only ${counted.hit} of ${set.sessions} came from local copies.`)
      },
    })
  }
  return rows
}

function renewed({ use, set }: Estate): Promise<unknown> {
  return inTurns(set.sessions, () => use())
}
