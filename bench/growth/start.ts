import { requestFrom } from '../facts.ts'
import { type Grown, openGrown, samplesOf } from './estate.ts'
import { child, ready } from './words.ts'

/** A process that starts and verifies one session. */
child(async (grown: Grown) => {
  const [{ token, ip } = { token: '', ip: '' }] = samplesOf({ ...grown })
  const { sessions } = openGrown(grown)
  const answer = await sessions.verify({ token, request: requestFrom(ip) })
  if (!answer.ok) throw new Error(`A verification was refused: ${answer.code}`)
  ready()
})
