import { contend, type Place } from '../contender-process.ts'
import { ATTRIBUTES, expectUser } from '../facts.ts'
import { geoFilesIn } from '../places.ts'
import { inTurns, type Row } from '../rounds.ts'
import { rowOn, type WorkingSet } from '../working-sets.ts'
import { type Estate, estateOn, expectOpened, type Used } from './estate.ts'
import {
  ATTRIBUTE_LOTS,
  ATTRIBUTES_READ,
  ATTRIBUTES_UNREAD,
  NO_ATTRIBUTES,
  ON_COPIES,
} from './names.ts'
import { STORES } from './stores.ts'

/** The same sessions without attributes, with attributes that nobody reads, and with read ones. */
await contend(async (place, kind) => {
  const lot = ATTRIBUTE_LOTS.find(({ store, set }) => rowOn(store, set) === kind)
  if (lot === undefined) throw new Error(`There is no row "${kind}".`)
  const { store, set } = lot
  const copies = store === ON_COPIES
  const make = copies ? onCopies : inMemory
  const none = await make(place, set, false)
  const some = await make(place, set, true)
  if (!copies) await expectOpened(none)
  const row = (name: string, estate: Estate, look?: (session: Used) => void): Row => ({
    name: rowOn(name, set),
    run: () => estate.use(look),
    // Copies that are older than their lease would be read again.
    ...(copies ? { before: () => inTurns(set.sessions, () => estate.use()) } : {}),
  })
  return [
    row(NO_ATTRIBUTES, none),
    row(ATTRIBUTES_UNREAD, some),
    row(ATTRIBUTES_READ, some, ({ attributes }) => expectUser(attributes.name, ATTRIBUTES.name)),
  ]
})

async function inMemory(place: Place, set: WorkingSet, attributes: boolean): Promise<Estate> {
  const open = await STORES.memory(place)
  const store = (now: () => number) => open('', now)
  return estateOn({ store, set, geo: geoFilesIn(place.folder), attributes })
}

async function onCopies(place: Place, set: WorkingSet, attributes: boolean): Promise<Estate> {
  const open = await STORES.Redis(place)
  return estateOn({
    store: (now) => open(`attributes-${attributes}`, now),
    set,
    geo: geoFilesIn(place.folder),
    attributes,
    localCopies: { max: set.sessions },
    clock: 'of the machine',
  })
}
