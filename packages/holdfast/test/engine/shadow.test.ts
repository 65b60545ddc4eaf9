import { describe, expect, test } from 'vitest'
import { fakeHost } from '../../src/contracts/fake-host.ts'
import type { Policy } from '../../src/core/decision.ts'
import type { SessionEvent } from '../../src/core/events.ts'
import { eventLog } from '../../src/maintenance/event-log.ts'
import { lenient, strict } from '../../src/policies/index.ts'
import { harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, atHome, docked, onTheTrain } from '../support/people.ts'

/** What ada sees of a day with a thief in it, under `lenient` and this shadow. */
async function dayWith(shadow: Policy | undefined) {
  const options = {
    host: fakeHost({ start: Date.UTC(2026, 0, 5) }),
    ...(shadow && { shadowPolicy: shadow }),
  }
  const h = await harness(inMemory, { policy: lenient(), ...options })
  let token = await h.login()
  const answers: unknown[] = []
  for (const request of [atHome(), onTheTrain(), abroad(), abroad(), onTheTrain(), atHome()]) {
    h.host.advance(6 * MINUTE)
    const { decision, ok } = await h.show(token, request)
    answers.push({ ok, decision })
  }
  const shown = await h.show(token, onTheTrain())
  token = shown.ok ? held(token, shown) : token
  const stepped = await h.stepUp(token, abroad())
  answers.push(stepped.ok, (await h.sessions.list({ subject: 'ada' })).items.map(stable))
  return { ...h, answers }
}

/** Without what is random. */
function stable({ id: _, formToken: __, ...rest }: { id: string; formToken?: string }): unknown {
  return rest
}

const differed = ({ type }: SessionEvent): boolean => type === 'policy-differed'

describe('a shadow policy', () => {
  test('says where it would have differed, with the change of the presentation', async () => {
    const h = await harness(inMemory, { policy: lenient(), shadowPolicy: strict() })
    const token = await h.login()
    await h.show(token, docked())

    const { items } = await eventLog(h).read(undefined, 100)

    expect(items.filter(differed)).toMatchObject([
      { actor: 'engine', reason: 'allow', decision: { outcome: 'challenge', score: 17 } },
    ])
  })

  test('is no event when the same comes again', async () => {
    const h = await harness(inMemory, { policy: lenient(), shadowPolicy: strict() })
    const token = await h.login()

    for (let i = 0; i < 20; i++) {
      h.host.advance(SECOND)
      await h.show(token, abroad(), { deliverable: false })
    }

    expect(h.events.filter(differed).length).toBeLessThanOrEqual(1)
  })

  const MEDDLING: readonly [string, Policy][] = [
    [
      'throws',
      () => {
        throw new Error('not today')
      },
    ],
    ['answers nothing', (() => undefined) as unknown as Policy],
    [
      'writes into what it is given',
      (evidence, situation) => {
        for (const one of evidence) Object.assign(one, { weight: 99, reason: 'meddled' })
        Object.assign(situation, { context: 'confirmed', contradiction: 'not_me' })
        return lenient()(evidence, situation)
      },
    ],
    ['would revoke', () => ({ outcome: 'revoke', score: 0, because: [] })],
  ]

  test.each(MEDDLING)('that %s changes no answer and no session', async (_, shadow) => {
    const alone = await dayWith(undefined)
    const beside = await dayWith(shadow)

    expect(beside.answers).toEqual(alone.answers)
    expect(beside.events.filter((event) => !differed(event)).map(({ type }) => type)).toEqual(
      alone.events.map(({ type }) => type),
    )
  })

  test('that throws is told of once a minute, and never kept', async () => {
    const h = await harness(inMemory, {
      shadowPolicy: () => {
        throw new Error('not today')
      },
    })
    const token = await h.login()
    // It is told of once in each minute of the clock.
    h.host.advance(MINUTE - (h.host.now() % MINUTE))
    for (const ip of ['198.51.100.7', '192.0.2.200', '198.51.100.9']) {
      h.host.advance(SECOND)
      await h.show(token, atHome({ ip }))
    }
    h.host.advance(MINUTE)
    await h.show(token, docked())

    const { items } = await eventLog(h).read(undefined, 100)

    expect(h.events.filter(differed).map(({ reason }) => reason)).toEqual([
      'shadow_failed',
      'shadow_failed',
    ])
    expect(items.filter(differed)).toEqual([])
  })
})
