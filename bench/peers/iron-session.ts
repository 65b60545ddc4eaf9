import { randomBytes } from 'node:crypto'
import { sealData, unsealData } from 'iron-session'
import { contend } from '../contender-process.ts'
import { sessionFacts } from '../facts.ts'
import { IN_TURN } from '../working-sets.ts'
import { IRON_SESSION } from './names.ts'
import { shownRows } from './shown.ts'

/** The seal alone, without request and response: what every request pays. */
await contend(async () => {
  const sealing = { password: randomBytes(32).toString('hex'), ttl: 7_200 }
  return shownRows(
    IRON_SESSION,
    {
      make: (user) => sealData(sessionFacts(user), sealing),
      read: async (seal) => (await unsealData(seal, sealing)).userId,
    },
    [IN_TURN],
  )
})
