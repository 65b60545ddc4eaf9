import { expectUser, SESSIONS, userOf } from '../facts.ts'
import { inTurns, type Row } from '../rounds.ts'

/** A session that its client carries whole: nothing is looked up, and nothing can be revoked. */
export async function carriedRows(
  name: string,
  by: {
    make(user: string): Promise<string>
    /** The user; of a forged text undefined, or a rejection. */
    read(text: string): Promise<unknown>
  },
): Promise<readonly Row[]> {
  const texts = await inTurns(SESSIONS, (turn) => by.make(userOf(turn)))
  const forged = (texts[0] ?? '').replace(/.(?=.{9}$)/, (letter) => (letter === 'A' ? 'B' : 'A'))
  const accepted = await by.read(forged).then(
    (user) => user !== undefined,
    () => false,
  )
  if (accepted) throw new Error('A forged session was accepted.')

  let at = 0
  return [
    {
      name,
      async run() {
        const turn = at++ % SESSIONS
        expectUser(await by.read(texts[turn] ?? ''), userOf(turn))
      },
    },
  ]
}
