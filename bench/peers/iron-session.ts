import { randomBytes } from 'node:crypto'
import { sealData, unsealData } from 'iron-session'
import { contend } from '../contender-process.ts'
import { sessionFacts } from '../facts.ts'
import { carriedRows } from './carried.ts'
import { IRON_SESSION } from './names.ts'

/** The seal alone, without request and response: what every request pays. */
await contend(async () => {
  const sealing = { password: randomBytes(32).toString('hex'), ttl: 7_200 }
  return carriedRows(IRON_SESSION, {
    make: (user) => sealData(sessionFacts(user), sealing),
    read: async (seal) => (await unsealData(seal, sealing)).userId,
  })
})
