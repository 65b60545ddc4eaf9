import { writeFileSync } from 'node:fs'
import { ATTRIBUTES, requestFrom } from '../facts.ts'
import { addressAt } from '../places.ts'
import { together } from '../together.ts'
import { type Grown, isRevoked, openGrown, type Sample, sampleFile, subjectOf } from './estate.ts'
import { child, say } from './words.ts'

/** Addresses that geo data knows. */
const ADDRESSES = 20_000

/** Sessions that are looked at, spread over all: those that stay are verified later. */
const SAMPLES = 20_000

const TOLD_EVERY = 5_000

/** Fills a store by logging in, through the engine, and writes some tokens down. */
child(async (grown: Grown) => {
  const { sessions, store } = openGrown(grown)
  const { size } = grown
  // Odd, because every other subject is there to be revoked.
  const every = Math.floor(size / SAMPLES) | 1
  const samples: Sample[] = []
  const started = performance.now()
  await together(size, async (turn) => {
    const subject = subjectOf(turn, size)
    const ip = addressAt(turn % ADDRESSES, 'home')
    const created = await sessions.create({
      subject,
      request: requestFrom(ip),
      amr: ['pwd'],
      factors: ['otp'],
      attributes: ATTRIBUTES,
    })
    if (!created.ok) throw new Error(`A login was refused: ${created.code}`)
    if (turn % every === 0 && !isRevoked(turn, size))
      samples.push({ token: created.token, subject, ip })
    if (turn > 0 && turn % TOLD_EVERY === 0) say({ kind: 'progress', done: turn })
  })
  if (samples.length === 0) throw new Error('There is no session to verify.')
  writeFileSync(sampleFile(grown), JSON.stringify(samples))
  await store.close()
  say({ kind: 'filled', ms: performance.now() - started })
})
