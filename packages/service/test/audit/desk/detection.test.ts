import { expect, onTestFinished, test } from 'vitest'
import { createAlerting } from '../../../src/audit/alerts/alerting.ts'
import { type Database, openDatabase } from '../../../src/audit/database.ts'
import { type Detection, detection } from '../../../src/audit/desk/detection.ts'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import type { Finding, Incident } from '../../../src/audit/finding.ts'
import { incidentStore } from '../../../src/audit/findings/incidents.ts'
import { configOf } from '../../support.ts'
import { rulesFrom } from '../findings/fields.ts'
import { entry, NOW } from '../search/support.ts'

const MINUTE = 60_000
const THREE = rulesFrom({
  match: { type: 'login-failed' },
  ...{ threshold: 3, window: '10m', groupBy: ['subject'] },
})

interface World {
  readonly database: Database
  readonly found: Finding[]
  readonly faults: unknown[]
  full: boolean
  now: number
  start(rules?: typeof THREE): Detection
  incidents(): readonly Incident[]
}

function world(): World {
  const database = openDatabase(':memory:')
  onTestFinished(() => database.close())
  const incidents = incidentStore({ database })
  const alerting = createAlerting({
    ...{ database, settings: configOf().alerts, now: () => NOW },
    random: (size) => new Uint8Array(size),
    log: { warn: () => {}, error: () => {} },
  })
  const it: World = {
    ...{ database, found: [], faults: [], full: false, now: NOW },
    start(rules = THREE) {
      const started = detection({
        ...{ database, incidents, alerting, rules, now: () => it.now, lineAt: () => 0 },
        key: new Uint8Array(32),
        onFound(findings) {
          if (it.full) throw new Error('the disk is full')
          it.found.push(...findings)
        },
        onFault: (error) => void it.faults.push(error),
        onUnlogged: (error) => void it.faults.push(error),
      })
      started.begin?.()
      return started
    },
    incidents: () =>
      incidents.list({ limit: 100 }).items.flatMap(({ id }) => incidents.show(id) ?? []),
  }
  return it
}

const failed = (index: number, subject = 'ada'): LoggedEntry =>
  entry(index, { type: 'login-failed', subject, at: NOW + index * MINUTE })

test('what the rules find becomes an incident, and is told to the log first', () => {
  const it = world()
  const detected = it.start()

  detected.take([failed(0), failed(1, 'eve')])
  expect(it.incidents()).toEqual([])
  detected.take([failed(2), failed(3)])

  expect(it.found).toMatchObject([{ subject: 'ada', count: 3 }])
  expect(it.incidents()).toMatchObject([{ findings: [{ id: it.found[0]?.id }] }])
  expect(detected.from()).toBe(4)
})

test('after a restart what was counted is counted again, and finds nothing anew', () => {
  const it = world()
  it.start().take([failed(0), failed(1), failed(2), failed(3, 'eve'), failed(4, 'eve')])
  expect(it.found).toHaveLength(1)

  const again = it.start()
  expect(again.from()).toBe(0)
  again.take([0, 1, 2].map((index) => failed(index)))
  again.take([failed(3, 'eve'), failed(4, 'eve')])
  expect(it.found).toHaveLength(1)
  again.take([failed(5, 'eve')])

  expect(it.found.map(({ subject }) => subject)).toEqual(['ada', 'eve'])
  expect(it.incidents()).toHaveLength(2)
})

test('what the log cannot take is no incident yet, and is found once it can', () => {
  const it = world()
  const detected = it.start()
  const all = [failed(0), failed(1), failed(2)]
  it.full = true

  expect(() => detected.take(all)).toThrow('the disk is full')
  detected.failed(new Error('the disk is full'))
  expect(it.incidents()).toEqual([])
  expect(it.faults).toHaveLength(1)
  expect(detected.from()).toBe(0)
  it.full = false
  detected.take(all)

  expect(it.incidents()).toHaveLength(1)
  expect(it.found).toHaveLength(1)
})

test('the same lines twice are one finding, and one incident', () => {
  const it = world()
  const all = [failed(0), failed(1), failed(2)]
  it.start().take(all)
  it.database.run('DELETE FROM detection')

  it.start().take(all)

  expect(new Set(it.found.map(({ id }) => id)).size).toBe(1)
  expect(it.incidents()).toHaveLength(1)
  expect(it.incidents()[0]?.findings).toHaveLength(1)
})

test('rules that take the place of others count from then on', () => {
  const it = world()
  const detected = it.start()
  detected.take([failed(0), failed(1)])

  detected.follow(THREE)
  detected.take([failed(2)])
  expect(it.found).toEqual([])
  detected.take([failed(3), failed(4)])

  expect(it.found).toHaveLength(1)
})

test('no lines are nothing to do', () => {
  const it = world()
  const detected = it.start()

  detected.take([])

  expect(detected.from()).toBe(0)
})
