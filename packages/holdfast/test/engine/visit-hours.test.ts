import { expect, test } from 'vitest'
import type { SessionId } from '../../src/core/ids.ts'
import { type Harness, HOUR, harness, inMemory } from '../support/harness.ts'
import { pastOf } from '../support/pasts.ts'
import { atHome, onTheTrain } from '../support/people.ts'

/** Which hours of the day the subject's past knows visits at. */
async function hoursOf(h: Harness): Promise<readonly number[]> {
  const { hours } = await pastOf(h)
  return hours.flatMap((count, hour) => Array<number>(count).fill(hour))
}

test('the hours of visits are learnt only where the owner is known to be', async () => {
  const h = await harness(inMemory)
  const hour = new Date(h.host.now()).getUTCHours()
  await h.login()
  h.host.advance(3 * HOUR)
  await h.login()

  h.host.advance(2 * HOUR)
  await h.sessions.create({ subject: 'ada', factors: ['otp'], amr: ['pwd'], request: onTheTrain() })

  expect(await hoursOf(h)).toEqual([hour, hour + 3].map((each) => each % 24).sort((a, b) => a - b))
})

test('a day of requests within one visit is one visit', async () => {
  const h = await harness(inMemory)
  const token: string = await h.login()
  const id = token.split('.')[1] as SessionId
  expect(id).toHaveLength(43)
  for (let i = 0; i < 50; i++) {
    h.host.advance(10 * 60_000)
    await h.sessions.verify({ token, request: atHome() })
  }

  expect(await hoursOf(h)).toHaveLength(1)
})
