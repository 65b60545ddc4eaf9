import { expect, test } from 'vitest'
import { codeOf, HOUR, harness, inMemory } from '../support/harness.ts'
import { onTheTrain } from '../support/people.ts'

const DAY = 24 * HOUR
const classes = { default: { absolute: 7 * DAY, idle: 2 * DAY, persistent: false } }
const bearer = { deliverable: false }

test('visits of a place challenged in between do not add up to a confirmed one', async () => {
  const { host, login, show, sessions } = await harness(inMemory, { classes })
  const first = await login()
  for (let visit = 0; visit < 2; visit++) {
    host.advance(DAY)
    expect(codeOf(await show(first, onTheTrain(), bearer))).toBe('ok')
  }
  const suspicious = onTheTrain({
    headers: {
      ...onTheTrain().headers,
      'accept-language': 'ru',
      'sec-ch-ua': '"Chromium";v="100"',
      'sec-ch-ua-platform': '"Linux"',
    },
  })
  expect(codeOf(await show(first, suspicious, bearer))).toBe('step_up_required')
  await sessions.logout(first)

  const second = await login()
  host.advance(HOUR)

  expect(codeOf(await show(second, onTheTrain(), bearer))).toBe('ok')
  const sensitive = { ...bearer, sensitivity: 'sensitive' } as const
  expect(codeOf(await show(second, onTheTrain(), sensitive))).toBe('step_up_required')
})
