import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AuditDesk, DeskOptions } from '../../../src/audit/desk/desk.ts'
import type { AuditEntry, LoggedLine } from '../../../src/audit/entry.ts'
import { readLog } from '../../../src/audit/log/read.ts'
import { verifyAudit } from '../../../src/audit/log/verify.ts'
import { type ByClass, byClass } from '../../../src/audit/retention.ts'
import { folder } from '../../support.ts'
import { rulesFrom } from '../findings/fields.ts'
import { event, host } from '../log/support.ts'
import { ALERTS, at, desk, NOWHERE } from './support.ts'

const DAY = 86_400_000
const RULES = rulesFrom({ name: 'thief', match: { type: 'token-reused' }, groupBy: ['session'] })

function alertingDesk(directory: string, options: Partial<DeskOptions> = {}): AuditDesk {
  return desk(directory, { rules: RULES, alerts: ALERTS, ...options })
}

const TYPES = ['session-established', 'session-presented', 'token-reused', 'login-failed'] as const

/** A day of events in partition 3, one of each type. */
function day(number: number): readonly AuditEntry[] {
  return TYPES.map((type, at) => {
    const subject = type === 'login-failed' ? null : `subject-${number}`
    const one = event({ type, at: host.now(), subject, session: `session-${number}` })
    const personal = {
      subject: null,
      tenant: null,
      address: `198.51.100.${number}`,
      userAgent: null,
    }
    return { partition: 3, sequence: number * TYPES.length + at + 1, event: one, personal }
  })
}

function since(keep: Partial<ByClass>): ByClass {
  return byClass((name) => host.now() - (keep[name] ?? 400 * DAY))
}

async function tenDays(directory: string) {
  const one = alertingDesk(directory)
  one.begin(1, NOWHERE)
  await expect.poll(() => one.state().caughtUp).toBe(true)
  const all: AuditEntry[] = []
  for (let number = 0; number < 10; number++) {
    const entries = day(number)
    all.push(...entries)
    one.append(entries, at(all.length))
    host.advance(DAY)
  }
  return { one, all }
}

function countOf(directory: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { line } of readLog({ directory })) {
    const type = line.kind === 'event' ? line.event.type : line.kind
    counts[type] = (counts[type] ?? 0) + 1
  }
  return counts
}

test('each class goes with its time: lines with their day, the rest at once', async () => {
  const directory = folder()
  const { one } = await tenDays(directory)

  await one.prune(since({ session: 4.5 * DAY, detection: 6.5 * DAY }))

  expect(countOf(directory)).toMatchObject({
    ...{ 'session-established': 10, 'login-failed': 10, 'session-presented': 5 },
    ...{ 'token-reused': 7, finding: 7, stub: 11 },
  })
  const { items } = await one.searches.events({ since: 0, limit: 100 })
  const types = items.map(({ event }) => event.type)
  expect(types.filter((type) => type === 'session-presented')).toHaveLength(4)
  expect(types.filter((type) => type === 'token-reused')).toHaveLength(6)
  expect(types.filter((type) => type === 'session-established')).toHaveLength(10)
  expect((await one.incidents.list({ limit: 100 })).items).toHaveLength(6)
  expect(verifyAudit([directory])).toMatchObject({ ok: true, faults: [] })
})

test('the keys of days go with the longest time of all', async () => {
  const directory = folder()
  const { one } = await tenDays(directory)
  const path = join(directory, 'index.sqlite')

  await one.prune(since({ login: 3 * DAY, session: DAY, detection: DAY, account: 2 * DAY }))
  await one.end()
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix)
  const again = alertingDesk(directory)
  again.begin(2, at(40))
  await expect.poll(() => again.state().caughtUp).toBe(true)

  const { items } = await again.searches.events({ since: 0, type: 'login-failed' })
  expect(items.map(({ personal }) => personal?.address ?? null)).toEqual([
    ...['198.51.100.9', '198.51.100.8', '198.51.100.7', null],
  ])
})

test('who begins again, and reads again, takes no retired event for another one', async () => {
  const directory = folder()
  const { one, all } = await tenDays(directory)
  await one.prune(since({ session: 2 * DAY }))
  await one.end()
  const seen: LoggedLine[] = []
  const output = {
    ...{ name: 'seen', send: (lines: readonly LoggedLine[]) => void seen.push(...lines) },
    ...{ state: () => ({ sent: 0, dropped: 0, queued: 0, failing: null }) },
    ...{ delivered: () => null, close: async () => {} },
  }

  const again = alertingDesk(directory, { outputs: [output] })
  const from = again.begin(2, at(40))
  again.append(
    all.filter(({ sequence }) => sequence > (from[3] ?? 0)),
    at(40),
  )
  await expect.poll(() => again.state().caughtUp).toBe(true)
  again.append(day(10), at(44))

  const counts = countOf(directory)
  expect(counts).not.toHaveProperty('gap')
  expect(counts).toMatchObject({ 'session-established': 11, stub: 7 })
  expect(seen.filter((line) => 'event' in line)).toHaveLength(37)
  expect(verifyAudit([directory])).toMatchObject({ ok: true, faults: [] })
})

test('lines go with their time while the index in PostgreSQL is away', async () => {
  const directory = folder()
  const index = { host: '127.0.0.1', port: 9, database: 'away', user: 'away' }
  const one = alertingDesk(directory, { index })
  one.begin(1, NOWHERE)
  one.append(day(0), at(4))
  host.advance(DAY)
  one.append(day(1), at(8))
  host.advance(1)

  await expect(one.prune(since({ session: 0 }))).rejects.toThrow()

  expect(countOf(directory)).toMatchObject({ 'session-presented': 1, stub: 1 })
})

test('an index in a file does not outlive its place being taken by one in PostgreSQL', async () => {
  const [before, directory] = [folder(), folder()]
  const { one } = await tenDays(before)
  await one.end()
  cpSync(before, directory, { recursive: true })
  expect(readFileSync(join(directory, 'index.sqlite-wal')).includes('198.51.100.9')).toBe(true)
  writeFileSync(join(directory, 'index.sqlite.damaged-1'), '198.51.100.9')
  const index = { host: '127.0.0.1', port: 9, database: 'away', user: 'away' }
  const other = alertingDesk(directory, { index })

  other.begin(2, at(40))

  const files = readdirSync(directory)
  expect(files.filter((name) => name.startsWith('index.sqlite'))).toEqual([])
  const bytes = files.map((name) => readFileSync(join(directory, name)).includes('198.51.100.9'))
  expect(bytes).not.toContain(true)
})

test('an erasure does not succeed while another process has the index in a file', async () => {
  const directory = folder()
  alertingDesk(directory)
  const index = { host: '127.0.0.1', port: 9, database: 'away', user: 'away' }
  const newer = alertingDesk(directory, { index })
  newer.begin(1, NOWHERE)

  await expect(newer.erase('subject-1')).rejects.toThrow('Another process')
})

test('no file has the address of what is retired', async () => {
  const directory = folder()
  const { one } = await tenDays(directory)
  const bytesIn = (): Buffer =>
    Buffer.concat(readdirSync(directory).map((name) => readFileSync(join(directory, name))))
  expect(bytesIn().includes('198.51.100.2')).toBe(true)

  await one.prune(byClass(() => host.now() - 5 * DAY))
  await one.erase('subject-9')

  expect(bytesIn().includes('198.51.100.2')).toBe(false)
  expect(bytesIn().includes('198.51.100.8')).toBe(true)
})
