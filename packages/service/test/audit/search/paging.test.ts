import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import type { Search } from '../../../src/audit/search/search.ts'
import { isWanted } from './by-hand.ts'
import {
  allPages,
  arbitraryEntries,
  arbitrarySearch,
  DATABASES,
  DAY,
  indexes,
  NOW,
  runsOf,
} from './support.ts'

/** Newest first; of one instant, the later line. */
function wanted(search: Search, entries: readonly LoggedEntry[]): readonly number[] {
  return entries
    .filter((one) => isWanted({ since: NOW - 30 * DAY, ...search }, one))
    .sort((a, b) => b.event.at - a.event.at || b.index - a.index)
    .map(({ index }) => index)
}

const slices = fc.constantFrom(1, 3, 10, 1_000)

test.for(DATABASES)(
  'all pages of a search for events are one filter over the log, in order: %s',
  async (database) => {
    const empty = await indexes(database)
    await fc.assert(
      fc.asyncProperty(
        arbitraryEntries(60),
        arbitrarySearch,
        slices,
        async (entries, search, slice) => {
          const index = await empty(slice)
          await index.ingest(entries)

          const found = await allPages(index.events, search)

          expect(found.map(({ line }) => line)).toEqual(wanted(search, entries))
        },
      ),
      { numRuns: runsOf(database, 400) },
    )
  },
)

test.for(DATABASES)(
  'while the log grows, nothing that was there is missing and nothing comes twice: %s',
  async (database) => {
    const empty = await indexes(database)
    await fc.assert(
      fc.asyncProperty(
        arbitraryEntries(60),
        arbitrarySearch,
        slices,
        async (entries, search, slice) => {
          const index = await empty(slice)
          const there = Math.floor(entries.length / 2)
          await index.ingest(entries.slice(0, there))
          let more = there

          const found = await allPages(index.events, search, async () => {
            await index.ingest(entries.slice(more, more + 2))
            more += 2
          })

          const lines = found.map(({ line }) => line)
          expect(lines).toHaveLength(new Set(lines).size)
          expect(lines.filter((line) => line < there)).toEqual(
            wanted(search, entries.slice(0, there)),
          )
          expect(wanted(search, entries)).toEqual(expect.arrayContaining(lines))
        },
      ),
      { numRuns: runsOf(database, 200) },
    )
  },
)
