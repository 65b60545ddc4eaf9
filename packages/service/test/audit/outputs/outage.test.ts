import { expect, test } from 'vitest'
import { outageOf } from '../../../src/audit/outputs/outage.ts'

function outage() {
  const told: string[] = []
  let time = 1_000_000
  const random = (size: number): Uint8Array => new Uint8Array(size)
  const onProblem = (text: string): void => void told.push(text)
  return {
    told,
    advance(ms: number) {
      time += ms
    },
    ...outageOf('siem', { now: () => time, random, onProblem }),
  }
}

test('an outage that begins within a minute of another one is told when it lasts', () => {
  const out = outage()
  out.failed('nobody answers')
  out.advance(10_000)
  out.worked()
  out.advance(20_000)

  out.failed('nobody answers')
  expect(out.told).toHaveLength(2)
  for (let second = 0; second < 60; second++) {
    out.advance(1_000)
    out.dropped(10, 'no room')
  }
  out.worked()

  expect(out.told.slice(2)).toEqual([
    'audit output siem fails: no room',
    'audit output siem works again; entries that were dropped: 600',
  ])
})

test('an output that comes and goes is told of once a minute', () => {
  const out = outage()

  for (let second = 0; second < 120; second++) {
    out.failed('nobody answers')
    out.worked()
    out.advance(1_000)
  }

  expect(out.told).toHaveLength(4)
})
