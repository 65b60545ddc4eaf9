import { describe, expect, test } from 'vitest'
import type { SessionId } from '../../src/core/ids.ts'
import { settlingTime } from '../../src/core/rotation.ts'
import type { Presented, Sessions, Verification, VerifiesNow } from '../../src/core/sessions.ts'
import { twoEngines } from '../support/copies.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import {
  codeOf,
  type Harness,
  HOUR,
  harness,
  held,
  heldRefresh,
  inMemory,
  MINUTE,
  SECOND,
} from '../support/harness.ts'
import { abroad, atHome, onTheTrain } from '../support/people.ts'
import { until } from '../support/until.ts'

const IDLE_MS = 2 * HOUR
const PASSIVE = { activity: 'passive' } as const
const PREFETCH = { 'sec-purpose': 'prefetch;prerender' }

const prefetched = (request = atHome()) => ({
  ...request,
  headers: { ...request.headers, ...PREFETCH },
})

function idOf(token: string): SessionId {
  return token.split('.')[1] ?? ''
}

type Poll = (token: string) => Promise<Verification>

/** Polls until the session has been silent for almost its idle timeout, and once more after it. */
async function pollOverTheIdleTimeout(
  { host }: Pick<Harness, 'host'>,
  start: string,
  poll: Poll,
): Promise<Verification> {
  let token = start
  const everyMs = 10 * MINUTE
  for (let passed = everyMs; passed < IDLE_MS; passed += everyMs) {
    host.advance(everyMs)
    token = held(token, await poll(token))
  }
  host.advance(everyMs)
  return poll(token)
}

describeOnEveryStore('a page that polls', (open) => {
  test.each([
    ['passively', atHome(), PASSIVE],
    ['passively, without a cookie', atHome(), { ...PASSIVE, deliverable: false }],
    ['ahead of its user', prefetched(), {}],
  ] as const)('%s is logged out when nobody is there', async (_, request, changes) => {
    const h = await harness(open)

    const last = await pollOverTheIdleTimeout(h, await h.login(), (token) =>
      h.show(token, request, changes),
    )

    expect(codeOf(last)).toBe('session_expired')
  })

  test('goes on while its user is there, idle from their own last request', async () => {
    const h = await harness(open)
    let token = await h.login()
    h.host.advance(IDLE_MS - MINUTE)
    token = held(token, await h.show(token, undefined, PASSIVE))
    token = held(token, await h.show(token))
    h.host.advance(IDLE_MS - MINUTE)
    token = held(token, await h.show(token, undefined, PASSIVE))
    h.host.advance(MINUTE)

    expect(codeOf(await h.show(token))).toBe('session_expired')
  })

  test('and refreshes passively is logged out, too', async () => {
    const h = await harness(open)
    let { refreshToken } = await h.loginForRefresh()
    for (let passed = 0; passed < IDLE_MS - 10 * MINUTE; passed += 10 * MINUTE) {
      h.host.advance(10 * MINUTE)
      refreshToken = heldRefresh(refreshToken, await h.renew(refreshToken, atHome(), PASSIVE))
    }
    h.host.advance(10 * MINUTE)

    expect(codeOf(await h.renew(refreshToken, atHome(), PASSIVE))).toBe('session_expired')
  })

  test('is logged out where copies answer it', async () => {
    const h = await twoEngines(open)
    const quiet = { ...PASSIVE, deliverable: false }
    const token = await h.login()
    await h.copied(token)

    const last = await pollOverTheIdleTimeout(h, token, (shown) => h.showNear(shown, quiet))

    expect(codeOf(last)).toBe('session_expired')
  })
})

describe('a passive request', () => {
  test('is answered from a copy although activity would be due', async () => {
    const h = await twoEngines(inMemory)
    const token = await h.login()
    h.host.advance(3 * MINUTE)

    await until('a copy answers', async () => {
      const before = h.asked.hit
      await h.showNear(token, PASSIVE)
      return h.asked.hit > before
    })

    expect((await h.store.entries.read(idOf(token)))?.lastActivity).toBe(h.host.now() - 3 * MINUTE)
  })

  test('is answered at once, and notes nothing', async () => {
    const h = await harness(inMemory)
    const { now }: Sessions['verify'] & VerifiesNow = h.sessions.verify
    const token = await h.login()
    const loggedInAt = h.host.now()
    h.host.advance(3 * MINUTE)
    const presented: Presented = { token, request: atHome(), ...PASSIVE }

    expect(now?.(presented)).toMatchObject({ ok: true })

    expect((await h.store.entries.read(idOf(token)))?.lastActivity).toBe(loggedInAt)
    expect(h.events.map(({ type }) => type)).not.toContain('session-presented')
  })

  test('brings a successor where one is due, and finds a second holder', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    h.host.advance(6 * MINUTE)

    const successor = held(token, await h.show(token, undefined, PASSIVE))
    expect(successor).not.toBe(token)
    await h.show(successor, undefined, PASSIVE)
    h.host.advance(settlingTime('session'))

    expect(codeOf(await h.show(token))).toBe('step_up_required')
    expect(h.events.map(({ type }) => type)).toContain('token-reused')
  })

  test('is judged by all that an active one is judged by', async () => {
    const [passive, active] = [await harness(inMemory), await harness(inMemory)]
    const outcomes: unknown[] = []
    for (const [h, changes] of [
      [passive, PASSIVE],
      [active, {}],
    ] as const) {
      const token = await h.login()
      h.host.advance(MINUTE)
      const answers = [await h.show(token, onTheTrain(), changes)]
      h.host.advance(MINUTE)
      answers.push(await h.show(token, abroad(), changes))
      outcomes.push(answers.map(({ ok, decision }) => [ok, decision]))
    }

    expect(outcomes[0]).toEqual(outcomes[1])
  })

  test('raises evidence, which stays on the account of its place', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    h.host.advance(MINUTE)

    await h.show(token, abroad(), PASSIVE)

    const [detail] = (await h.sessions.list({ subject: 'ada' })).items
    const contexts = detail?.contexts ?? []
    expect(contexts.map(({ state }) => state)).toEqual(['confirmed', 'challenged'])
    expect(contexts[1]?.evidence).toBeGreaterThanOrEqual(24)
    expect(codeOf(await h.show(token, abroad()))).toBe('step_up_required')
  })

  test('opens no visit: days of polls confirm no place', async () => {
    const [polls, uses] = [await harness(inMemory), await harness(inMemory)]
    const states: (string | undefined)[] = []
    for (const [h, changes] of [
      [polls, PASSIVE],
      [uses, {}],
    ] as const) {
      let token = await h.login({ class: 'remember' })
      for (let visit = 0; visit < 6; visit++) {
        h.host.advance(8 * HOUR)
        token = held(token, await h.show(token))
        h.host.advance(HOUR)
        token = held(token, await h.show(token, onTheTrain(), changes))
      }
      const [detail] = (await h.sessions.list({ subject: 'ada' })).items
      const train = detail?.contexts.find(({ network }) => network.city === 'Bergen')
      states.push(train?.state)
      if (changes === PASSIVE) expect(train?.visits).toBe(0)
    }

    expect(states).toEqual(['provisional', 'confirmed'])
  })

  test('teaches no facts of a browser', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    h.host.advance(MINUTE)
    const docked = atHome({ client: { screen: '1366x768x1', timezone: 'Europe/Oslo' } })

    await h.show(token, docked, PASSIVE)

    const [detail] = (await h.sessions.list({ subject: 'ada' })).items
    expect(detail?.contexts[0]?.device.screen).toBe('2560x1440x1')
    const [first, second] = [
      await h.show(token, docked, PASSIVE),
      await h.show(token, docked, PASSIVE),
    ]
    expect(first.decision).toEqual(second.decision)
  })

  test('takes turns with another place as an active one does', async () => {
    const weights: number[] = []
    for (const changes of [PASSIVE, {}]) {
      const h = await harness(inMemory)
      const token = await h.login()
      let last = 0
      for (let turn = 0; turn < 4; turn++) {
        h.host.advance(61 * SECOND)
        await h.show(token, onTheTrain(), { deliverable: false })
        h.host.advance(61 * SECOND)
        await h.show(token, atHome(), { ...changes, deliverable: false })
      }
      h.host.advance(61 * SECOND)
      const answer = await h.show(token, onTheTrain(), { deliverable: false })
      last = answer.decision?.score ?? 0
      weights.push(last)
    }

    expect(weights[0]).toBe(weights[1])
    expect(weights[0]).toBeGreaterThan(0)
  })

  test('says so, or is refused as bad input', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    const wrong = { activity: 'sleepy' } as unknown as Partial<Presented>

    await expect(h.show(token, undefined, wrong)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('activity'),
    })
  })
})
