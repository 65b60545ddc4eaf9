import { describe, expect, onTestFinished, test } from 'vitest'
import { type Database, openDatabase } from '../../../src/audit/database.ts'
import { sightings } from '../../../src/audit/findings/first-seen.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 5)

function database(): Database {
  const opened = openDatabase(':memory:')
  onTestFinished(() => opened.close())
  return opened
}

describe('what is seen for the first time', () => {
  const seen = { rule: 'abroad', owner: 'ada', at: START }

  test('is new where there was another before, and only for its own event', () => {
    const { firstSeen } = sightings(database())

    const answers = [
      { value: 'NL', event: 'e1' },
      { value: 'NL', event: 'e2' },
      { value: 'BR', event: 'e3' },
      { value: 'BR', event: 'e3' },
      { value: 'BR', event: 'e4' },
      { value: 'NL', event: 'e5' },
    ].map((one) => firstSeen({ ...seen, ...one }))

    expect(answers).toEqual([false, false, true, true, false, false])
    expect(firstSeen({ ...seen, owner: 'bob', value: 'BR', event: 'e6' })).toBe(false)
    expect(firstSeen({ ...seen, rule: 'other', value: 'DE', event: 'e7' })).toBe(false)
  })

  test('is kept for 64 values, as long as it is seen, and until it is erased', () => {
    const opened = database()
    const { firstSeen, prune, erase } = sightings(opened)
    for (let n = 0; n < 1_000; n++) {
      firstSeen({ ...seen, value: `v${n}`, event: `e${n}`, at: START + n })
    }
    firstSeen({ ...seen, owner: 'bob', value: 'NL', event: 'x', at: START })
    firstSeen({ ...seen, owner: 'bob', value: 'NL', event: 'y', at: START + 48 * HOUR })
    const count = (): unknown => opened.all('SELECT count(*) AS n FROM sightings')[0]?.n

    expect(count()).toBe(65)
    expect([prune(START + HOUR), count()]).toEqual([64, 1])
    erase('bob')
    expect(count()).toBe(0)
  })
})
