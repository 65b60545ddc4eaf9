import { type Policy, PRESETS, thresholdPolicy } from 'holdfast'
import { eventLog } from 'holdfast/maintenance'
import { describe, expect, test } from 'vitest'
import { HOUR, harness, inMemory, MINUTE } from '../../../holdfast/test/support/harness.ts'
import { onTheTrain } from '../../../holdfast/test/support/people.ts'
import { recordedEvent } from '../../src/report/recorded.ts'
import { replayOf } from '../../src/report/replay.ts'
import { holdfast } from '../cli/holdfast.ts'
import { abroad, atHome } from '../support.ts'
import { logFile } from './events.ts'

/**
 * The log of a real engine under a policy, with another in the shadow: people on the move, and a
 * thief in every third session.
 */
async function logUnder(policy: Policy, shadow: Policy): Promise<readonly object[]> {
  const h = await harness(inMemory, { policy, shadowPolicy: shadow })
  for (let n = 0; n < 12; n++) {
    const token = await h.login({ subject: `user-${n}`, factors: n % 4 === 0 ? [] : ['otp'] })
    h.host.advance(HOUR)
    if (n % 3 === 1) await h.show(token, abroad(OTHER_BROWSER), { deliverable: false })
    const shown = await h.show(token, ON_THE_WAY[n % 3])
    h.host.advance(6 * MINUTE)
    if (n % 3 === 0) await h.show(token, abroad())
    h.host.advance(6 * MINUTE)
    if (n % 3 === 0) await h.show(token, abroad(), { sensitivity: 'sensitive' })
    if (shown.ok) await h.show(shown.token ?? token, atHome(), { deliverable: false })
    if (n % 2 === 0) await h.show(token, abroad({ ip: '192.88.99.4' }))
    if (n % 6 === 0) await h.stepUp(token, abroad()).catch(() => {})
    h.host.advance(HOUR)
  }
  return (await eventLog(h).read(undefined, 10_000)).items
}

/**
 * In another language, from a network of which nothing is known: 28 dB, between `balanced` and
 * `lenient`.
 */
const OTHER_BROWSER = { ip: '203.0.114.5', client: { timezone: 'Europe/Oslo' } }

/** On a train: as ever, in another language, with another screen. */
const ON_THE_WAY = [
  onTheTrain(),
  onTheTrain({ headers: { ...atHome().headers, 'accept-language': 'en-GB' } }),
  onTheTrain({ client: { screen: '1280x720x1', timezone: 'Europe/Oslo' } }),
]

const policies = Object.entries(PRESETS).map(
  ([name, { thresholds }]) => [name, thresholdPolicy(thresholds)] as const,
)

function recorded(log: readonly object[]) {
  return log.map((one) => recordedEvent.parse(JSON.parse(JSON.stringify(one))))
}

describe('a replay of what a real engine has written', () => {
  test.each(policies)('under "%s" itself changes nothing', async (_, policy) => {
    const log = recorded(await logUnder(policy, policy))

    const replay = await replayOf(log, policy)

    expect(replay.replayed).toBeGreaterThan(15)
    expect(replay).toMatchObject({ stricter: 0, milder: 0, subjects: { more: 0, fewer: 0 } })
    expect(replay.left).toEqual({ logins: 12, withoutSituation: 0 })
  })

  test.each(
    policies.flatMap(([one, policy]) =>
      policies
        .filter(([other]) => other !== one)
        .map(([other, shadow]) => [one, other, policy, shadow] as const),
    ),
  )('of "%s" under "%s" is what that one said in the shadow at the time', async (...pair) => {
    const [, , policy, shadow] = pair
    const log = recorded(await logUnder(policy, shadow))
    const differed = log.filter(({ type }) => type === 'policy-differed')
    const said = differed.map(({ reason, decision }) => `${reason} ${decision?.outcome}`)

    const replay = await replayOf(log, shadow)

    const changed = replay.pairs.filter(({ from, to }) => from !== to)
    const again = changed.flatMap(({ from, to, count }) => Array(count).fill(`${from} ${to}`))
    expect(said.length).toBeGreaterThan(0)
    expect(again.sort()).toEqual(said.sort())
  })

  test('says which reasons the differences rest on, and whose prompts change', async () => {
    const balanced = thresholdPolicy(PRESETS.balanced.thresholds)
    const log = await logUnder(balanced, balanced)
    const file = logFile(log)

    const harder = await holdfast(
      `policy replay --policy observe=6,challenge=12,limit=30 ${file} --json`,
    )
    const milder = await holdfast(
      `policy replay --policy observe=40,challenge=80,limit=120 ${file} --json`,
    )
    const shown = await holdfast(`policy replay --policy hijacks=0.01,missCost=3000 ${file}`)

    expect(JSON.parse(harder.out)).toMatchObject({
      policy: { challenge: 12 },
      milder: 0,
      left: { logins: 12 },
    })
    expect(JSON.parse(harder.out).subjects.more).toBeGreaterThan(0)
    expect(JSON.parse(milder.out)).toMatchObject({ stricter: 0 })
    expect(JSON.parse(milder.out).subjects.fewer).toBeGreaterThan(0)
    const reasons = JSON.parse(milder.out).reasons.map(({ reason }: { reason: string }) => reason)
    expect(reasons).toContain('hosting_foreign')
    expect(shown.out).toMatch(/THEN \\ NOW/)
    expect(shown.out).toMatch(/Not replayed: 12 logins/)
  })
})

describe('a wrong policy is named', () => {
  test.each([
    ['--policy observe=40,challenge=24,limit=50', 1, /observe must not be above challenge/],
    ['--policy observe=12,chalenge=24,limit=50', 1, /chalenge is not of a policy/],
    ['--policy toString', 2, /--policy must be lenient/],
    ['', 2, /--policy/],
  ])('%s', async (option, exit, hint) => {
    const { code, err } = await holdfast(`policy replay ${option} ${logFile([])}`)

    expect(code).toBe(exit)
    expect(err).toMatch(hint)
  })
})
