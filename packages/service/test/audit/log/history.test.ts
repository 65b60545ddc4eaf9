import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { newKeyring } from 'holdfast'
import type { SessionEvent } from 'holdfast/maintenance'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuditEntry } from '../../../src/audit/entry.ts'
import { spanOf } from '../../../src/audit/log/account.ts'
import { type AuditLog, openAuditLog } from '../../../src/audit/log/audit-log.ts'
import { openVault, type Vault } from '../../../src/audit/log/personal.ts'
import { readLog } from '../../../src/audit/log/read.ts'
import { verifyAudit } from '../../../src/audit/log/verify.ts'
import { byClass, type EventClass } from '../../../src/audit/retention.ts'
import { folder } from '../../support.ts'
import { addLine, event, host, PERSONAL, SIGNER, segmentsIn, VERIFIER_KEYS } from './support.ts'

/** The vault is not what these tests are about, and opening one takes longer than a log. */
let vault: Vault
beforeAll(() => {
  vault = openVault({
    ...{ path: ':memory:', keyring: newKeyring(host), now: host.now, random: host.random },
  })
})
afterAll(() => vault.close())

/** Partitions of these histories. */
const PARTS = 3

type Step =
  /** New positions of the feed: of a partition, with an event or without. */
  | { readonly do: 'happen'; readonly positions: readonly (readonly [number, boolean])[] }
  | { readonly do: 'follow'; readonly most: number }
  | { readonly do: 'checkpoint' }
  /** The writer is killed while it appends: of what it writes, so much is in the file. */
  | { readonly do: 'kill'; readonly most: number; readonly share: number }
  /** A successor takes over, on this machine or another one; the old writer does not know. */
  | { readonly do: 'takeover'; readonly machine: 0 | 1; readonly lag: number }
  /** A successor is killed in the middle of its first line. */
  | { readonly do: 'stillborn'; readonly share: number }
  /** Events of these classes are past their time, in segments that are complete. */
  | { readonly do: 'retire'; readonly names: readonly EventClass[] }

const step = fc.oneof(
  fc.record({
    do: fc.constant('happen' as const),
    positions: fc.array(fc.tuple(fc.nat(PARTS - 1), fc.boolean()), { maxLength: 12 }),
  }),
  fc.record({ do: fc.constant('follow' as const), most: fc.nat(9) }),
  fc.record({ do: fc.constant('checkpoint' as const) }),
  fc.record({
    ...{ do: fc.constant('kill' as const), most: fc.integer({ min: 1, max: 5 }) },
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({
    ...{ do: fc.constant('takeover' as const), machine: fc.constantFrom(0 as const, 1 as const) },
    lag: fc.nat(4),
  }),
  fc.record({
    do: fc.constant('stillborn' as const),
    share: fc.double({ min: 0, max: 0.99, noNaN: true }),
  }),
)

const retiring = fc.record({
  do: fc.constant('retire' as const),
  names: fc.subarray<EventClass>(['login', 'session'], { minLength: 1 }),
})

/** A feed, and one elected writer after the other on two machines. */
function estate() {
  const directories = [folder(), folder()] as const
  const heads = Array.from({ length: PARTS }, () => 0)
  const feed: { partition: number; sequence: number; event: SessionEvent | undefined }[] = []
  /** What the store has heard of as logged. */
  let acknowledged: readonly number[] = []
  let machine: 0 | 1 = 0
  let epoch = 0
  let log = open()
  const opened: AuditLog[] = [log]

  function open(): AuditLog {
    epoch++
    return openAuditLog({
      ...{ directory: directories[machine], signer: SIGNER, origin: `machine-${machine}`, vault },
      ...{ now: host.now, epoch, elsewhere: acknowledged, segmentBytes: 4_000 },
    })
  }

  function takeOver(next: 0 | 1): void {
    machine = next
    log = open()
    opened.push(log)
  }

  /** The next entries after the positions of the log. */
  function upcoming(most: number): { entries: AuditEntry[]; through: number[] } {
    const through = [...log.positions()]
    const entries: AuditEntry[] = []
    for (const { partition, sequence, event } of feed) {
      if (sequence <= (through[partition] ?? 0) || entries.length >= most) continue
      through[partition] = sequence
      if (event !== undefined) entries.push({ partition, sequence, event, personal: PERSONAL })
    }
    return { entries, through }
  }

  function newest(): string {
    return segmentsIn(directories[machine]).at(-1) ?? ''
  }

  function run(one: Step): void {
    switch (one.do) {
      case 'happen':
        for (const [partition, has] of one.positions) {
          const sequence = (heads[partition] ?? 0) + 1
          heads[partition] = sequence
          const type = sequence % 2 === 0 ? 'session-presented' : 'session-established'
          feed.push({ partition, sequence, event: has ? event({ type }) : undefined })
        }
        break
      case 'follow': {
        const { entries, through } = upcoming(one.most)
        log.append(entries, through)
        acknowledged = log.positions()
        break
      }
      case 'checkpoint':
        log.checkpoint()
        break
      case 'retire': {
        const { names } = one
        const before = byClass((name) => (names.includes(name) ? host.now() + 1 : 0))
        while (!log.retire(before));
        break
      }
      case 'kill': {
        const [path, size] = [newest(), statSync(newest()).size]
        log.append(upcoming(one.most).entries)
        if (newest() === path) {
          const grown = statSync(path).size - size
          truncateSync(path, size + Math.round(grown * one.share))
        } else truncateSync(newest(), Math.round(statSync(newest()).size * one.share))
        log.close()
        takeOver(machine)
        break
      }
      case 'takeover': {
        const [before, path] = [log, newest()]
        const lagging = acknowledged.map((position) => Math.max(0, position - one.lag))
        acknowledged = lagging
        const onTheSame = machine === one.machine
        takeOver(one.machine)
        if (!onTheSame) break
        expect(() => before.append(unwritten())).toThrow(
          expect.objectContaining({ code: 'store_contended' }),
        )
        // What it wrote at the very moment in which it lost.
        addLine(path, { kind: 'passed', partition: 0, after: 0, sequence: 1 })
        break
      }
      case 'stillborn': {
        const stillborn = open()
        truncateSync(newest(), Math.floor(statSync(newest()).size * one.share))
        stillborn.close()
        takeOver(machine)
      }
    }
  }

  function unwritten(): AuditEntry[] {
    return [{ partition: 63, sequence: 1, event: event(), personal: null }]
  }

  return {
    ...{ directories, run },
    events: () => feed.flatMap(({ event: happened }) => happened?.id ?? []),
    /** Positions of events. */
    places: () =>
      feed.flatMap(({ partition, sequence, event: happened }) =>
        happened === undefined ? [] : [`${partition} ${sequence}`],
      ),
    end() {
      run({ do: 'follow', most: Infinity })
      log.checkpoint()
      for (const one of opened) one.close()
      return { last: directories[machine] }
    },
  }
}

function loggedIn(directories: readonly string[]): Set<string> {
  return new Set(
    directories.flatMap((directory) =>
      [...readLog({ directory })].flatMap(({ line }) =>
        line.kind === 'event' ? [line.event.id] : [],
      ),
    ),
  )
}

/** Positions of events, retired ones among them. */
function placesIn(directories: readonly string[]): Set<string> {
  return new Set(
    directories.flatMap((directory) =>
      [...readLog({ directory })].flatMap(({ line }) => {
        const span = line.kind === 'event' || line.kind === 'stub' ? spanOf(line) : undefined
        return span === undefined ? [] : [`${span.partition} ${span.sequence}`]
      }),
    ),
  )
}

test('an honest history verifies, whatever killed its writers, and has every event', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const { directories, run, events, end } = estate()
      for (const one of steps) run(one)
      end()

      const verdict = verifyAudit(directories, { verifierKeys: VERIFIER_KEYS })

      expect(verdict.faults).toEqual([])
      expect([...loggedIn(directories)].sort()).toEqual(events().sort())
    }),
    { numRuns: 60 },
  )
})

test('so does one of which lines are retired, and no position is missing', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(step, retiring), { maxLength: 25 }), (steps) => {
      const { directories, run, places, end } = estate()
      for (const one of steps) run(one)
      end()

      const { faults } = verifyAudit(directories, { verifierKeys: VERIFIER_KEYS })

      expect(faults).toEqual([])
      expect([...placesIn(directories)].sort()).toEqual(places().sort())
    }),
    { numRuns: 60 },
  )
})

type Tamper = (lines: string[], at: number, random: number) => string[]

/** Each changes the lines from the second to the last but one. */
const TAMPERS: Readonly<Record<string, Tamper>> = {
  deletes: (lines, at) => lines.toSpliced(at, 1),
  doubles: (lines, at) => lines.toSpliced(at, 0, lines[at] ?? ''),
  swaps: (lines, at) => lines.toSpliced(at, 2, lines[at + 1] ?? '', lines[at] ?? ''),
  cuts: (lines, at, random) => [
    ...lines.slice(0, at),
    (lines[at] ?? '').slice(0, Math.floor(random * (lines[at] ?? '').length)),
  ],
  edits: (lines, at, random) => {
    const line = lines[at] ?? ''
    const place = Math.floor(random * line.length)
    const other = line[place] === 'x' ? 'y' : 'x'
    return lines.with(at, line.slice(0, place) + other + line.slice(place + 1))
  },
  moves: (lines, at) => [...lines.toSpliced(at, 1), lines[at] ?? ''],
}

test.each(Object.entries(TAMPERS))('whoever %s a line that counts is always found', (_, tamper) => {
  const any = fc.array(fc.oneof({ weight: 3, arbitrary: step }, retiring), { maxLength: 12 })
  const unit = fc.double({ min: 0, max: 0.999, noNaN: true })
  fc.assert(
    fc.property(any, unit, unit, unit, (steps, a, b, random) => {
      const { directories, run, end } = estate()
      run({ do: 'happen', positions: Array.from({ length: 8 }, () => [1, true]) })
      for (const one of steps) run(one)
      const { last } = end()
      const counted = [...readLog({ directory: last })]
      const files = [...new Set(counted.map(({ file }) => file))]
      const file = files[Math.floor(a * files.length)] ?? ''
      const mine = counted.filter((one) => one.file === file).length
      const lines = readFileSync(file, 'utf8').split('\n')
      const most = Math.min(mine, lines.length - 2)
      const at = Math.floor(b * most)
      // A swap needs a line after it that counts, too.
      const place = tamper === TAMPERS.swaps ? Math.min(at, mine - 2) : at
      if (place < 0) return
      const changed = tamper(lines.slice(0, -1), place, random)
      if (tamper === TAMPERS.moves && place === lines.length - 2) return
      writeFileSync(file, changed.map((line) => `${line}\n`).join(''))

      const { ok } = verifyAudit(directories, { verifierKeys: VERIFIER_KEYS })

      expect(ok).toBe(false)
    }),
    { numRuns: 40 },
  )
})
