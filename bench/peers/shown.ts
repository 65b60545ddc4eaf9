import { expectUser, userOf } from '../facts.ts'
import { inTurns, type Row } from '../rounds.ts'
import { rowOn, WORKING_SETS, type WorkingSet, walkThrough } from '../working-sets.ts'

/** A session as its client shows it: the whole of it, or the id of what a store keeps. */
export interface Shown {
  make(user: string): Promise<string>
  /** The user; of a forged text undefined, or a rejection. */
  read(text: string): Promise<unknown>
}

/** The rows of a peer on working sets. Throws where a forged text is accepted. */
export async function shownRows(
  name: string,
  { make, read }: Shown,
  sets: readonly WorkingSet[] = WORKING_SETS,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const set of sets) {
    const texts = await inTurns(set.sessions, (turn) => make(userOf(turn)))
    const forged = (texts[0] ?? '').replace(/.(?=.{9}$)/, (letter) => (letter === 'A' ? 'B' : 'A'))
    const accepted = await read(forged).then(
      (user) => user !== undefined,
      () => false,
    )
    if (accepted) throw new Error('A forged session was accepted.')

    const walk = walkThrough(set)
    const run = async (): Promise<void> => {
      const turn = walk.next()
      expectUser(await read(texts[turn] ?? ''), userOf(turn))
    }
    rows.push({ name: rowOn(name, set), run })
  }
  return rows
}
