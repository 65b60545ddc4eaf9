import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { holdfast } from '../cli/holdfast.ts'
import { abroad, atHome, folder, KEYS, LOGIN, running } from '../support.ts'
import { DAY, decided, event, logFile, START } from './events.ts'

const HOUR = 3_600_000

/** Twenty people for two weeks, of whom the first has more to tell. */
function fortnight(): readonly object[] {
  const logins = Array.from({ length: 20 }, (_, n) =>
    event('session-established', {
      subject: `subject-${n}`,
      session: `session-${n}`,
      ...decided({}),
      situation: null,
    }),
  )
  const moves = Array.from({ length: 40 }, (_, n) => {
    const whose = { subject: `subject-${n % 20}`, session: `session-${n % 20}` }
    const at = START + HOUR * (n + 1)
    return [
      event('context-changed', { ...whose, at, ...decided({}) }),
      event('secret-rotated', { ...whose, at, reason: n === 0 ? 'response_lost' : 'normal' }),
    ]
  }).flat()
  const thief = decided({ hosting_foreign: 30, language_changed: 20 })
  const at = START + 3 * DAY
  return [
    ...logins,
    ...moves,
    event('anomaly-detected', { at, ...thief }),
    event('step-up-required', { at, ...thief }),
    event('policy-differed', { at, reason: 'challenge', ...decided({}) }),
    event('step-up-required', { at: at + 1, reason: 'step_up_begun', ...thief }),
    event('step-up-completed', { at: at + 2 }),
    event('false-alarm-reported', { at: at + 3, actor: 'application', reason: 'false_alarm' }),
    event('false-alarm-reported', { at: at + 4, actor: 'application', reason: 'false_alarm' }),
    event('context-changed', {
      at: at + 5,
      reason: 'device_changed',
      ...decided({ screen_new: 6, a_signal_of_ones_own: 1 }),
    }),
    event('session-revoked', { at: START + 14 * DAY, actor: 'application', reason: 'not_me' }),
    event('session-revoked', { session: 'forgotten', reason: 'not_me', at: START + 14 * DAY }),
  ]
}

describe('holdfast report', () => {
  test('counts a log: rates where it is long enough, "too few" where it is not', async () => {
    const { code, out } = await holdfast(`report ${logFile(fortnight())}`)

    expect(code).toBe(0)
    expect(folded(out)).toMatchInlineSnapshot(`
      "2026-01-05 to 2026-01-19: 14.0 days, 20 subjects (9.2 user-months), 21 sessions, 20
        logins, 110 events, 42 decisions.
      Requests in which nothing was new leave no event and are not counted.

      GROUP    EVENT                                COUNT  PER USER-MONTH
      network  another prefix of the same provider  40     4.3
      network  a provider that the user has used    0      none; below 0.3
      network  a new provider in a known country    0      none; below 0.3
      network  a new country, its clock             0      none; below 0.3
      network  a new country, the clock of home     0      none; below 0.3
      network  a new country, a third clock         0      none; below 0.3
      network  a new country, clock unknown         0      none; below 0.3
      network  a new country, roaming               0      none; below 0.3
      network  the clock alone                      0      none; below 0.3
      network  a journey nobody makes               0      none; below 0.3
      network  a data centre, VPN or Tor            1      too few
      network  a relay                              0      none; below 0.3
      network  a satellite network                  0      none; below 0.3
      device   a browser update *                   0      none; below 0.3
      device   another screen *                     1      too few
      device   another language *                   1      too few
      device   a version back, or several on        0      none; below 0.3
      device   another browser or system            0      none; below 0.3
      device   hints missing or contradictory       0      none; below 0.3
      device   a script                             0      none; below 0.3
      secrets  a secret replaced                    40     4.3
      secrets  a fork                               0      none; below 0.3
      secrets  a fork after a lost write            0      none; below 0.3
      secrets  a refresh token used by two          0      none; below 0.3
      answers  a context challenged                 1      too few
      answers  a route that asked for more *        0      none; below 0.3
      answers  a step-up begun                      1      too few
      answers  a step-up passed                     1      too few
      answers  a step-up failed                     0      none; below 0.3
      answers  a session limited                    0      none; below 0.3
      answers  a session revoked, but for logouts   2      too few
      answers  of these by the engine               0      none; below 0.3
      * a sample: where nothing else changed, one an hour and session is in the
        log.

      GROUP  REASON                COUNT  PER USER-MONTH
      N      a_signal_of_ones_own  1      too few
      N      hosting_foreign       1      too few
      D      language_changed      1      too few
      D      screen_new            1      too few

      Stopped (challenged, limited or refused): 1.
      False alarms: 1, per 1,000 of those: too few.
      "Not me": 2, per 1,000 of those: too few.
      1 of these are about decisions that are no longer in the log.
      REASON            STOPPED  FALSE ALARM  NOT ME
      hosting_foreign   1        1            1
      language_changed  1        1            1

      Shadow policy: differs 1 times, beside 42 decisions in the log; 0 stricter, 1 milder;
        1 subjects.
      IN FORCE \\ SHADOW  allow
      challenge          1
      "
    `)
  })

  test('says the same to programs, and shows subjects as a number alone', async () => {
    const { out } = await holdfast(`report ${logFile(fortnight())} --json`)

    const report = JSON.parse(out)
    expect(report).toMatchObject({
      coverage: { subjects: 20, days: 14, enough: true },
      logins: 20,
      judgements: 42,
      feedback: { challenges: 1, falseAlarms: 1, notMe: 2, unattributed: 1 },
      shadow: { differed: 1, milder: 1, pairs: [{ from: 'challenge', to: 'allow', count: 1 }] },
    })
    expect(report.rows[0].rate).toBeCloseTo(40 / (20 * (14 / (365.25 / 12))), 6)
    expect(out).not.toContain('subject-0')
  })

  test('of a few people, or of a few days, has counts and no rates', async () => {
    const few = fortnight().filter((one) => JSON.stringify(one).includes('subject-1"'))
    const { out } = await holdfast(`report ${logFile(few)}`)
    const since = await holdfast(`report ${logFile(fortnight())} --since 2026-01-19 --json`)

    expect(out).toContain('Too few for any rate')
    expect(out).not.toMatch(/none; below/)
    expect(JSON.parse(since.out)).toMatchObject({ coverage: { events: 2, enough: false } })
  })

  test('of nothing says so', async () => {
    const { code, out } = await holdfast(`report ${logFile([])}`)

    expect([code, out]).toEqual([0, expect.stringContaining('There are no events.')])
  })

  test.each([
    ['{"id":1', 'line 2'],
    ['{"id":"a","type":"x"}', 'line 2 is not an event ("actor" is missing or wrong)'],
    ['x'.repeat(300_000), 'is not an event'],
  ])('names the line that is no event', async (line, hint) => {
    const path = join(folder(), 'events.jsonl')
    writeFileSync(path, `${JSON.stringify(event('login-failed'))}\n${line}`)

    const { code, err } = await holdfast(`report ${path}`)

    expect(code).toBe(1)
    expect(err).toContain(hint)
    expect(err.length).toBeLessThan(400)
  })

  test('asks a running service for its log, page by page, with a key for it', async () => {
    const run = await running()
    for (let n = 0; n < 3; n++) {
      const body = { ...LOGIN, subject: `user-${n}`, request: atHome() }
      const created = await (await run.call('POST', '/v1/sessions', { body })).json()
      await run.call('POST', '/v1/verify', { body: { token: created.token, request: abroad() } })
    }

    const env = { HOLDFAST_URL: run.service.url, HOLDFAST_KEY: KEYS.audit }
    const asked = await holdfast('report --json', env)
    const refused = await holdfast('report', { ...env, HOLDFAST_KEY: KEYS.app })

    expect(JSON.parse(asked.out)).toMatchObject({
      coverage: { subjects: 3 },
      logins: 3,
      judgements: 3,
      feedback: { challenges: 3 },
    })
    expect(refused.code).toBe(1)
  })
})

/** Long lines folded at a space, so that the snapshot stays within 100 columns. */
function folded(text: string): string {
  return text.replace(/^(.{70,85}) (?=\S)/gm, '$1\n  ')
}
