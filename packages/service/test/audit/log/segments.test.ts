import { closeSync, openSync } from 'node:fs'
import { expect, test } from 'vitest'
import { chainOf } from '../../../src/audit/log/segments.ts'
import { entries, place } from './support.ts'

test('reading the first lines of segments leaves no file open', () => {
  const { directory, open } = place()
  const log = open({ segmentBytes: 1 })
  for (let at = 1; at <= 9; at++) log.append(entries(1, [at]))
  const nextNumber = (): number => {
    const file = openSync(directory, 'r')
    closeSync(file)
    return file
  }
  const before = nextNumber()

  for (let more = 0; more < 50; more++) chainOf(directory)

  // The system gives the lowest number that is free. Something else may have a file open.
  expect(nextNumber()).toBeLessThan(before + 50)
})
