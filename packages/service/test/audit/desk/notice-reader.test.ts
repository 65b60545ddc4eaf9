import type { SessionEvent } from 'holdfast/maintenance'
import { expect, onTestFinished, test } from 'vitest'
import type { Notice } from '../../../src/audit/alerts/notices/notice.ts'
import { openDatabase } from '../../../src/audit/database.ts'
import { noticeReader } from '../../../src/audit/desk/notice-reader.ts'
import type { LogReader } from '../../../src/audit/desk/pump.ts'
import { ADA, type EntryParts, entryOf } from '../entries.ts'

const HOUR_MS = 3_600_000
const START = Date.UTC(2026, 10, 29, 12)

interface Read {
  readonly told: Notice[]
  readonly reader: LogReader
  /** Gives it an event of a type at an instant after the start. */
  give(type: string, parts?: EntryParts & { readonly after?: number }): void
  /** As after a restart. */
  again(): LogReader
}

function reading(): Read {
  const database = openDatabase(':memory:')
  onTestFinished(() => database.close())
  const told: Notice[] = []
  let index = 0
  let now = START
  const open = (): LogReader => {
    const opened = noticeReader({
      database,
      alerting: { notify: (notice) => void told.push(notice) },
      lineAt: (instant) => (instant === now - 24 * HOUR_MS ? 7 : 0),
      now: () => now,
      onFault(error) {
        throw error
      },
    })
    opened.begin?.()
    return opened
  }
  const reader = open()
  return {
    told,
    reader,
    give(type, { after = 0, event = {}, ...parts } = {}) {
      now = START + after
      index += 1
      const at = { at: START + after, id: `event-${index}` }
      reader.take([entryOf(type, { index, event: { ...at, ...event }, ...parts })])
    },
    again: open,
  }
}

test('the same of one session, device and place is told once an hour', () => {
  const { give, told } = reading()
  const elsewhere = { network: { asn: 1, organisation: null, kind: 'unknown', country: 'JP' } }

  give('step-up-failed')
  give('step-up-failed', { after: HOUR_MS - 1 })
  give('step-up-failed', {
    after: HOUR_MS - 1,
    event: { network: { ...elsewhere.network, city: 'Tokyo' } as SessionEvent['network'] },
  })
  give('step-up-failed', { after: HOUR_MS - 1, event: { session: 'another' } })
  give('step-up-failed', { after: HOUR_MS })

  expect(told.map(({ event }) => event)).toEqual(['event-1', 'event-3', 'event-4', 'event-5'])
})

test('nobody is told of what is older than a day, or is told without a name', () => {
  const { give, told } = reading()

  give('step-up-failed', { event: { at: START - 24 * HOUR_MS } })
  give('step-up-failed', { personal: null })
  give('step-up-failed', { personal: { ...ADA, subject: null } })

  expect(told).toEqual([])
})

test('begins a day back where it has read nothing, and then goes on where it was', () => {
  const { give, reader, again } = reading()

  expect(reader.from()).toBe(7)
  give('session-presented', { index: 20 })

  expect([reader.from(), again().from()]).toEqual([21, 21])
})

test('a fork is told, and what was done meanwhile after the step-up that settles it, once', () => {
  const { give, told } = reading()

  give('step-up-completed')
  give('session-presented', { after: 500 })
  give('token-reused', { after: 1_000 })
  give('session-presented', { after: 2_000 })
  give('session-presented', { after: 2_000, event: { session: 'another' } })
  give('secret-rotated', { after: 3_000 })
  give('step-up-completed', { after: 60_000 })
  give('session-presented', { after: 61_000 })
  give('step-up-completed', { after: 120_000 })

  expect(told.map(({ kind, event }) => [kind, event])).toEqual([
    ['fork', 'event-3'],
    ['meanwhile', 'event-7'],
  ])
  expect(told[1]?.done).toEqual([
    { at: START + 2_000, text: 'Used the session (Chrome 148 on Windows, Utrecht, Netherlands)' },
  ])
})

test('of what was done meanwhile the last thirty are kept, across a restart', () => {
  const { give, told, again } = reading()
  give('token-reused')
  for (let n = 1; n <= 40; n++) give('session-presented', { after: n })

  again()
  give('step-up-completed', { after: 60_000 })

  expect(told[1]?.done.map(({ at }) => at - START)).toEqual(
    Array.from({ length: 30 }, (_, n) => n + 11),
  )
})

test('a transaction that fails has told nobody, and has read nothing', () => {
  const { reader, told } = reading()
  const entry = entryOf('step-up-failed', { index: 30, event: { at: START } })
  const broken = { ...entry, index: 31, event: null as unknown as SessionEvent }

  expect(() => reader.take([entry, broken])).toThrow(TypeError)
  told.length = 0
  reader.take([entry])

  expect(told).toHaveLength(1)
})
