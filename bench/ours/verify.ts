import { setTimeout as wait } from 'node:timers/promises'
import { contend, type Place } from '../contender-process.ts'
import { geoFilesIn } from '../places.ts'
import { inTurns, type Row } from '../rounds.ts'
import { rowOn, type WorkingSet } from '../working-sets.ts'
import { type Estate, estateOn, expectOpened } from './estate.ts'
import { type Lot, lotsOf, ON_COPIES, OURS, oursOn, rowOfLot, type StoreName } from './names.ts'
import { STORES } from './stores.ts'

/** For local copies to be in use. */
const TRIES = 30
const AGAIN_MS = 500

await contend(async (place, row) => {
  const lot = OURS.flatMap(lotsOf).find((one) => rowOfLot(one) === row)
  if (lot === undefined) throw new Error(`There is no row "${row}".`)
  const { store, set, moves } = lot
  if (store === ON_COPIES) return [await hotRow(place, set)]
  const estate = await estateIn(place, { store, set, moves })
  if (moves) return [{ name: row, run: () => estate.move() }]
  await expectOpened(estate)
  return [{ name: row, run: () => estate.use() }]
})

async function estateIn(
  place: Place,
  { store, set, moves }: Lot & { readonly store: StoreName },
): Promise<Estate> {
  const open = await STORES[store](place)
  const name = `${moves ? 'moving' : 'still'}-${set.sessions}-${set.cacheBytes ?? 'shipped'}`
  const options = {
    store: (now: () => number) => open(name, now),
    set,
    geo: geoFilesIn(place.folder),
  }
  return estateOn(moves ? { ...options, away: [], rotates: true } : options)
}

/** All sessions from local copies, by the clock of the machine. */
async function hotRow(place: Place, set: WorkingSet): Promise<Row> {
  const open = await STORES.Redis(place)
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
  return {
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
  }
}

function renewed({ use, set }: Estate): Promise<unknown> {
  return inTurns(set.sessions, () => use())
}
