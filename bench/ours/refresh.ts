import { createSessions, newKeyring, systemHost } from 'holdfast'
import { contend, type Place } from '../contender-process.ts'
import { ATTRIBUTES, requestFrom, userOf } from '../facts.ts'
import { addressAt, geoFilesIn } from '../places.ts'
import { inTurns } from '../rounds.ts'
import { type WorkingSet, walkThrough } from '../working-sets.ts'
import { lookupIn } from './estate.ts'
import { REFRESH_LOTS, rowOfLot } from './names.ts'
import { type OpenStore, STORES } from './stores.ts'

/** A session's turn comes again more than two settling times of 40 s later, by its clock. */
const LAP_MS = 121_000

/** A predecessor is good for so long after its successor was first shown. */
const GRACE_MS = 21_000

/** Each refresh token is shown once, and its successor takes its place. */
await contend(async (place, kind) => {
  const lot = REFRESH_LOTS.find((one) => rowOfLot(one) === kind)
  if (lot === undefined) throw new Error(`There is no row "${kind}".`)
  const open = await STORES[lot.store](place)
  return [{ name: kind, run: await rotations(open, place, lot.set) }]
})

async function rotations(
  open: OpenStore,
  { folder }: Place,
  set: WorkingSet,
): Promise<() => Promise<void>> {
  let clock = Date.now()
  const now = (): number => Math.floor(clock)
  const sessions = createSessions({
    store: open(`refresh-${set.sessions}`, now),
    keyring: newKeyring(),
    host: { ...systemHost(), now },
    lookup: lookupIn(geoFilesIn(folder)),
  })
  const requestOf = (turn: number) => requestFrom(addressAt(turn, 'home'))
  const held: string[] = []
  await inTurns(set.sessions, async (turn) => {
    const created = await sessions.create({
      subject: userOf(turn),
      request: requestOf(turn),
      amr: ['pwd'],
      factors: ['otp'],
      attributes: ATTRIBUTES,
      refresh: true,
    })
    if (!created.ok || created.refreshToken === undefined)
      throw new Error('A login brought no refresh token.')
    held[turn] = created.refreshToken
  })

  async function rotate(turn: number): Promise<void> {
    const answer = await sessions.refresh({ token: held[turn] ?? '', request: requestOf(turn) })
    if (!answer.ok) throw new Error(`A refresh was refused: ${answer.code}`)
    if (answer.refreshToken === undefined) throw new Error('A refresh brought no successor.')
    held[turn] = answer.refreshToken
  }

  const walk = walkThrough(set)
  // The first use of a login's token writes nothing. That of a successor does.
  await inTurns(set.sessions, rotate)
  clock += LAP_MS
  await expectReuseRefused()
  return () => {
    clock += LAP_MS / set.sessions
    const turn = walk.next()
    // not of the session that showed an old token
    return rotate(turn === 0 ? walk.next() : turn)
  }

  async function expectReuseRefused(): Promise<void> {
    const [stale = ''] = held
    await rotate(0)
    // shown for the first time, too early for another
    await sessions.refresh({ token: held[0] ?? '', request: requestOf(0) })
    clock += GRACE_MS
    const again = await sessions.refresh({ token: stale, request: requestOf(0) })
    if (again.ok) throw new Error('A refresh token was good after its successor was used.')
    clock += LAP_MS
  }
}
