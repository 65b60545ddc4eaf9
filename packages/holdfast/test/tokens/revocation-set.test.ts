import { expect, test } from 'vitest'
import { revocationSet } from '../../src/tokens/revocation-set.ts'

const SUBJECT = Buffer.alloc(16, 7)
const [HERE, THERE, ELSEWHERE] = [1, 2, 3].map((byte) =>
  Buffer.concat([SUBJECT, Buffer.alloc(16, byte)]).toString('base64url'),
) as [string, string, string]
const subject = SUBJECT.toString('base64url')

test('a session that one entry ended does not come back with a later one that spares it', () => {
  const set = revocationSet()
  set.add({ kind: 'subject', subject, generation: 100, except: HERE }, 1_000)
  set.add({ kind: 'subject', subject, generation: 200, except: THERE }, 1_000)

  expect(set.has({ sid: HERE, gen: 50, iat: 0 })).toBe(true)
  expect(set.has({ sid: THERE, gen: 50, iat: 0 })).toBe(true)
  expect(set.has({ sid: THERE, gen: 100, iat: 0 })).toBe(false)
  expect(set.has({ sid: ELSEWHERE, gen: 199, iat: 0 })).toBe(true)
  expect(set.has({ sid: ELSEWHERE, gen: 200, iat: 0 })).toBe(false)
})

test('a late lower generation takes nothing back, and age takes entries out', () => {
  const set = revocationSet()
  set.add({ kind: 'subject', subject, generation: 200, except: null }, 1_000)
  set.add({ kind: 'subject', subject, generation: 100, except: null }, 900)
  const before = set.has({ sid: HERE, gen: 150, iat: 0 })
  const held = set.size()
  set.prune(999)
  const still = set.has({ sid: HERE, gen: 150, iat: 0 })
  set.prune(1_000)

  expect([before, still, held]).toEqual([true, true, 1])
  expect(set.has({ sid: HERE, gen: 150, iat: 0 })).toBe(false)
  expect(set.size()).toBe(0)
})
