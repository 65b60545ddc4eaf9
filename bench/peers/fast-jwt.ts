import { randomBytes } from 'node:crypto'
import { createSigner, createVerifier } from 'fast-jwt'
import { contend } from '../contender-process.ts'
import { sessionFacts } from '../facts.ts'
import { FAST_JWT } from './names.ts'
import { shownRows } from './shown.ts'

const TWO_HOURS_MS = 2 * 3_600_000

/** Its cache of verified tokens is off: a token that is looked up is not verified. */
await contend(async () => {
  const key = randomBytes(32).toString('hex')
  const sign = createSigner({ key, algorithm: 'HS256', expiresIn: TWO_HOURS_MS })
  const verify = createVerifier({ key, algorithms: ['HS256'], cache: false })
  return shownRows(FAST_JWT, {
    make: async (user) => sign({ ...sessionFacts(user), sub: user }),
    read: async (token) => verify(token).sub,
  })
})
