import type { Sessions } from 'holdfast'
import { expectUser, requestFrom } from '../facts.ts'
import { inTurns } from '../rounds.ts'
import {
  type Grown,
  listedSubject,
  openGrown,
  revokedSubject,
  type Sample,
  SESSIONS_A_SUBJECT,
  samplesOf,
} from './estate.ts'
import { child, failed, type GrowthOrder, ready, say } from './words.ts'

const VERIFIED = 1_000
const LISTED = 100
const REVOKED = 5

/** A process with a store, which verifies, lists and revokes when it is told to. */
child(async (grown: Grown) => {
  const { sessions, another } = openGrown(grown)
  const samples = samplesOf(grown)
  const done = { verify: 0, list: 0, revoke: 0 }

  // Each by an engine that remembers none of them: every record is opened.
  const work: Readonly<Record<GrowthOrder, (engine: Sessions) => Promise<number>>> = {
    async verify(engine) {
      const some = Math.min(VERIFIED, samples.length)
      const from = done.verify
      done.verify += some
      await inTurns(some, (turn) => verified(engine, samples[(from + turn) % samples.length]))
      return some
    },
    async list(engine) {
      for (let turn = 0; turn < LISTED; turn++) {
        const subject = listedSubject(done.list++, grown.size)
        await expectSessions(engine, subject, SESSIONS_A_SUBJECT)
      }
      return LISTED
    },
    async revoke(engine) {
      for (let turn = 0; turn < REVOKED; turn++) {
        const subject = revokedSubject(done.revoke++)
        await engine.revokeSubject({ subject }, { reason: 'logout_everywhere' })
      }
      return REVOKED
    },
  }

  process.on('message', (order: GrowthOrder) => {
    const engine = another()
    const { user, system } = process.cpuUsage()
    work[order](engine)
      .then(async (runs) => {
        const after = process.cpuUsage()
        if (order === 'revoke') await expectSessions(sessions, revokedSubject(done.revoke - 1), 0)
        say({ kind: 'took', runs, micros: after.user + after.system - user - system })
      })
      .catch(failed)
  })
  // Of a store that was filled minutes ago the system may have put much away: that is fetched once.
  const passing = another()
  await inTurns(samples.length, (turn) => verified(passing, samples[turn]))
  ready()
})

async function verified(engine: Sessions, sample: Sample | undefined): Promise<void> {
  const { token = '', subject, ip = '' } = sample ?? {}
  const answer = await engine.verify({ token, request: requestFrom(ip) })
  expectUser(answer.ok ? answer.session.subject : answer.code, subject)
}

async function expectSessions(sessions: Sessions, subject: string, count: number): Promise<void> {
  const { items } = await sessions.list({ subject })
  if (items.length !== count)
    throw new Error(`${subject} has ${items.length} sessions, and not ${count}.`)
}
