import type { Lookup } from 'holdfast'
import { eventLog } from 'holdfast/maintenance'
import { expect, test } from 'vitest'
import { HOUR, harness, held, inMemory } from '../../../holdfast/test/support/harness.ts'
import { lookup, onTheTrain } from '../../../holdfast/test/support/people.ts'
import { recordedEvent } from '../../src/report/recorded.ts'
import { reportOf } from '../../src/report/report.ts'
import { atHome } from '../support.ts'

const PEOPLE = 24
const DAY = 24 * HOUR

/** The provider at home has another range, far away in numbers. */
const withRenumbering: Lookup = (address) =>
  lookup(address.startsWith('203.0.112.') ? '192.0.2.1' : address)

const UPDATED = atHome({
  headers: {
    ...atHome().headers,
    'user-agent': String(atHome().headers['user-agent']).replace('Chrome/156', 'Chrome/157'),
  },
})

/** What each does, a day after the other. */
const WEEK = [
  atHome({ ip: '203.0.112.5' }),
  UPDATED,
  { ...UPDATED, client: { screen: '1280x720x2', timezone: 'Europe/Oslo' } },
  { ...UPDATED, client: { screen: '1280x720x2', timezone: 'Europe/Oslo' }, ip: onTheTrain().ip },
]

test('the report of a real engine counts what people did', async () => {
  const h = await harness(inMemory, {
    lookup: withRenumbering,
    classes: { default: { absolute: 30 * DAY, idle: 7 * DAY, persistent: true } },
  })
  const tokens: string[] = []
  for (let n = 0; n < PEOPLE; n++) tokens.push(await h.login({ subject: `user-${n}` }))
  for (const request of WEEK) {
    h.host.advance(2 * DAY)
    for (const [n, token] of tokens.entries()) {
      tokens[n] = held(token, await h.show(token, request))
    }
  }
  const { items } = await eventLog(h).read(undefined, 10_000)

  const report = await reportOf(items.map((one) => recordedEvent.parse(one)))

  const seen = Object.fromEntries(
    report.rows.filter(({ count }) => count > 0).map(({ about, count }) => [about, count]),
  )
  expect(report.coverage).toMatchObject({ subjects: PEOPLE, days: 8, enough: true })
  expect(seen).toEqual({
    'another prefix of the same provider': PEOPLE,
    'a browser update': PEOPLE,
    'another screen': PEOPLE,
    'a new provider in a known country': PEOPLE,
    // Nobody showed the last one.
    'a secret replaced': (WEEK.length - 1) * PEOPLE,
  })
  expect(report.rows.find(({ about }) => about === 'a browser update')?.rate).toBeCloseTo(
    365.25 / 12 / 8,
    6,
  )
})
