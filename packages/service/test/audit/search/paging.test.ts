import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openDatabase } from '../../../src/audit/database.ts'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import { type EventIndex, openIndex } from '../../../src/audit/search/event-index.ts'
import type { Search } from '../../../src/audit/search/search.ts'
import { isWanted } from './by-hand.ts'
import { allPages, arbitraryEntries, arbitrarySearch, DAY, NOW } from './support.ts'

function withIndex<T>(slice: number, use: (index: EventIndex) => T): T {
  const database = openDatabase(':memory:')
  try {
    return use(openIndex(database, { now: () => NOW, slice }))
  } finally {
    database.close()
  }
}

/** Newest first; of one instant, the later line. */
function wanted(search: Search, entries: readonly LoggedEntry[]): readonly number[] {
  return entries
    .filter((one) => isWanted({ since: NOW - 30 * DAY, ...search }, one))
    .sort((a, b) => b.event.at - a.event.at || b.index - a.index)
    .map(({ index }) => index)
}

const slices = fc.constantFrom(1, 3, 10, 1_000)

test('all pages of a search for events are one filter over the log, in order', () => {
  fc.assert(
    fc.property(arbitraryEntries(60), arbitrarySearch, slices, (entries, search, slice) => {
      withIndex(slice, (index) => {
        index.ingest(entries)

        const found = allPages(index.events, search)

        expect(found.map(({ line }) => line)).toEqual(wanted(search, entries))
      })
    }),
    { numRuns: 400 },
  )
})

test('while the log grows, nothing that was there is missing and nothing comes twice', () => {
  fc.assert(
    fc.property(arbitraryEntries(60), arbitrarySearch, slices, (entries, search, slice) => {
      withIndex(slice, (index) => {
        const there = Math.floor(entries.length / 2)
        index.ingest(entries.slice(0, there))
        let more = there

        const found = allPages(index.events, search, () => {
          index.ingest(entries.slice(more, more + 2))
          more += 2
        })

        const lines = found.map(({ line }) => line)
        expect(lines).toHaveLength(new Set(lines).size)
        expect(lines.filter((line) => line < there)).toEqual(
          wanted(search, entries.slice(0, there)),
        )
        expect(wanted(search, entries)).toEqual(expect.arrayContaining(lines))
      })
    }),
    { numRuns: 200 },
  )
})
