import { createSessions, type Keyring, type RequestFacts, systemHost } from 'holdfast'
import { lmdbStore } from 'holdfast/lmdb'
import { requestFrom } from '../facts.ts'
import { lookupIn } from '../ours/estate.ts'
import { addressAt, geoFilesIn } from '../places.ts'
import { inTurns } from '../rounds.ts'

/** A session whose secret was copied, and has been succeeded since. */
export interface Victim {
  readonly session: string
  readonly token: string
  /** `fork`: the token of a cookie. `reuse`: a refresh token. */
  readonly kind: 'fork' | 'reuse'
}

const MINUTE_MS = 60_000

/**
 * Fills a store with sessions that were stolen from. The clock stands back meanwhile: a secret that
 * was just succeeded may still be under way.
 */
export async function prepareVictims(
  count: number,
  {
    folder,
    path,
    keyring,
  }: { readonly folder: string; readonly path: string; readonly keyring: Keyring },
): Promise<readonly Victim[]> {
  let minutesAgo = 20
  const now = (): number => Date.now() - minutesAgo * MINUTE_MS
  const store = lmdbStore({ path, now })
  const sessions = createSessions({
    ...{ store, keyring, host: { ...systemHost(), now } },
    lookup: lookupIn(geoFilesIn(folder)),
    personalFacts: 'full',
    rotateEvery: '2m',
  })

  const stolen = await inTurns(count, async (turn): Promise<Victim> => {
    const login = { subject: `victim-${turn}`, amr: ['pwd'], refresh: true, request: homeOf(turn) }
    const created = await sessions.create(login)
    if (!created.ok) return fail(created.code)
    const { session, token, refreshToken = '' } = created
    if (turn % 2 === 0) return { session: session.id, token, kind: 'fork' }
    return { session: session.id, token: refreshToken, kind: 'reuse' }
  })
  // The next secret, and its first use.
  const held = stolen.map(({ token }) => token)
  for (minutesAgo of [15, 10]) {
    await inTurns(count, async (turn) => {
      const shown = { token: held[turn] ?? '', request: homeOf(turn) }
      if (stolen[turn]?.kind === 'reuse') {
        const answer = await sessions.refresh(shown)
        held[turn] = (answer.ok ? answer.refreshToken : fail(answer.code)) ?? ''
      } else {
        const answer = await sessions.verify({ ...shown, deliverable: true })
        held[turn] = (answer.ok ? answer.token : fail(answer.code)) ?? ''
      }
    })
  }
  await store.close()
  return stolen
}

function homeOf(turn: number): RequestFacts {
  return requestFrom(addressAt(turn, 'home'))
}

function fail(code: string): never {
  throw new Error(`A victim was refused: ${code}`)
}
