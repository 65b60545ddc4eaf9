import fc from 'fast-check'
import type { Positions } from 'holdfast/store'
import { expect, test } from 'vitest'
import { type Rereading, rereading } from '../../../src/audit/desk/rereading.ts'
import type { AuditEntry } from '../../../src/audit/entry.ts'
import type { AuditLog } from '../../../src/audit/log/audit-log.ts'
import { readLog } from '../../../src/audit/log/read.ts'
import { verifyAudit } from '../../../src/audit/log/verify.ts'
import { byClass } from '../../../src/audit/retention.ts'
import { event, host, type Place, place, VERIFIER_KEYS } from '../log/support.ts'

const DAY = 86_400_000

/** A feed that can lose its end: an entry each number, undefined where there is no event. */
interface Feed {
  readonly partitions: (AuditEntry | undefined)[][]
  add(partition: number, kind?: 'event' | 'change'): void
  lose(partition: number, count: number): void
  heads(): Positions
  after(positions: Positions): readonly AuditEntry[]
}

function feed(): Feed {
  const partitions: (AuditEntry | undefined)[][] = [[], [], []]
  return {
    partitions,
    add(partition, kind = 'event') {
      const here = partitions[partition]
      const sequence = (here?.length ?? 0) + 1
      const entry = { partition, sequence, event: event(), personal: null }
      here?.push(kind === 'event' ? entry : undefined)
    },
    lose: (partition, count) => void partitions[partition]?.splice(-count, count),
    heads: () => partitions.map((here) => here.length),
    after: (positions) =>
      partitions.flatMap((here, at) => here.slice(positions[at] ?? 0).flatMap((one) => one ?? [])),
  }
}

/** A writer without its lease and its thread. */
interface Writer {
  /** Begins anew, and reads what came since. */
  begin(): void
  read(): void
  /** The store may have lost something: reads everything again. */
  reread(): void
}

function writer(of: Feed, at: Place, elsewhere: Positions = [], again = rereading()): Writer {
  let log: AuditLog | undefined
  let from: Positions = []

  function read(): void {
    const positions = log?.positions() ?? []
    const isAhead = of.heads().some((head, partition) => head < (positions[partition] ?? 0))
    if (isAhead) reread()
    else take(of.after(from))
    from = of.heads()
  }

  function reread(): void {
    log?.appendGaps(again.restart([], of.heads()))
    take(of.after([]))
    from = of.heads()
  }

  function take(entries: readonly AuditEntry[]): void {
    for (const { gap, entries: next } of again.sort(entries)) {
      if (gap !== undefined) log?.appendGaps([gap])
      expect(log?.append(next)).toHaveLength(next.length)
    }
  }

  return {
    begin() {
      log?.close()
      log = at.open({ elsewhere })
      from = again.begin(at.directory, log.positions())
      read()
    },
    read,
    reread,
  }
}

interface Logged {
  readonly ids: readonly string[]
  readonly gaps: readonly string[]
}

function logged({ directory }: Place): Logged {
  const lines = [...readLog({ directory })].map(({ line }) => line)
  return {
    ids: lines.flatMap((line) => (line.kind === 'event' ? line.event.id : [])),
    gaps: lines.flatMap((line) =>
      line.kind === 'gap' ? `${line.reason} ${line.partition} ${line.after}>${line.sequence}` : [],
    ),
  }
}

const idsOf = ({ partitions }: Feed): readonly string[] =>
  partitions.flat().flatMap((one) => one?.event.id ?? [])

function filled(): { of: Feed; at: Place; it: Writer } {
  const [of, at] = [feed(), place()]
  for (let n = 0; n < 5; n++) of.add(0)
  const it = writer(of, at)
  it.begin()
  return { of, at, it }
}

test('what is read again is not logged again', () => {
  const { of, at, it } = filled()

  it.reread()
  it.begin()
  it.reread()

  expect(logged(at)).toEqual({ ids: idsOf(of), gaps: [] })
})

test('what took a number that the log has is logged after a gap, and what was lost stays', () => {
  const { of, at, it } = filled()
  const before = idsOf(of)
  of.lose(0, 2)
  for (let n = 0; n < 4; n++) of.add(0)

  it.reread()

  expect(logged(at)).toEqual({
    ids: [...before, ...idsOf(of).slice(3)],
    gaps: ['rolled_back 0 5>3'],
  })
  expect(verifyAudit([at.directory], { verifierKeys: VERIFIER_KEYS }).faults).toEqual([])
})

test('a loss that nothing has followed yet is told, and no position is ahead of the store', () => {
  const { of, at, it } = filled()
  of.lose(0, 2)

  it.read()
  expect(logged(at).gaps).toEqual(['rolled_back 0 5>3'])
  of.add(0)
  it.read()

  expect(logged(at).gaps).toHaveLength(1)
  expect(logged(at).ids.slice(5)).toEqual(idsOf(of).slice(3))
})

test('a loss while nobody read shows at the next beginning, even where more has come since', () => {
  const { of, at, it } = filled()
  of.lose(0, 2)
  for (let n = 0; n < 40; n++) of.add(0)

  it.begin()

  expect(logged(at).gaps).toEqual(['rolled_back 0 5>3'])
  expect(logged(at).ids.slice(5)).toEqual(idsOf(of).slice(3))
})

test('a number that was taken twice is told apart each time', () => {
  const { of, at, it } = filled()
  for (let times = 0; times < 3; times++) {
    of.lose(0, 2)
    of.add(0)
    of.add(0)
    it.begin()
  }

  expect(logged(at).gaps).toEqual(Array(3).fill('rolled_back 0 5>3'))
  expect(logged(at).ids).toHaveLength(11)
})

test('a number that was taken twice is told apart where what had it first is retired', () => {
  const { of, at, it } = filled()
  const takenAnew = (): void => {
    of.lose(0, 2)
    of.add(0)
    of.add(0)
    it.begin()
  }
  host.advance(DAY)
  takenAnew()
  host.advance(DAY)
  const log = at.open()
  while (!log.retire(byClass(() => host.now() - DAY / 2)));
  log.close()
  const kept = [...readLog({ directory: at.directory })].map(({ line }) => line.kind)
  expect(kept.filter((kind) => kind === 'stub')).toHaveLength(5)

  takenAnew()

  expect(logged(at).gaps).toEqual(Array(2).fill('rolled_back 0 5>3'))
  expect(logged(at).ids.slice(2)).toEqual(idsOf(of).slice(3))
})

test('a successor elsewhere begins behind the other, and takes what took its numbers', () => {
  const { of, at, it } = filled()
  it.begin()
  const second = place()
  const successor = writer(of, second, [5])
  of.add(0)
  successor.begin()
  expect(logged(second)).toEqual({ ids: idsOf(of).slice(5), gaps: [] })

  of.lose(0, 3)
  for (let n = 0; n < 4; n++) of.add(0)
  successor.reread()

  expect(logged(second).ids).toEqual(expect.arrayContaining([...idsOf(of).slice(3)]))
  expect(new Set(logged(second).ids).size).toBe(logged(second).ids.length)
  expect(verifyAudit([at.directory, second.directory]).faults).toEqual([])
})

test('two that take turns log nothing that the other has, and nothing twice', () => {
  const { of, at, it } = filled()
  const second = place()
  let other = writer(of, second, [5])
  let first = it
  for (let turn = 0; turn < 4; turn++) {
    for (let n = 0; n < 5; n++) of.add(0)
    other.begin()
    for (let n = 0; n < 5; n++) of.add(0)
    first = writer(of, at, [10 + turn * 10])
    first.begin()
    other = writer(of, second, [15 + turn * 10])
  }

  const [here, there] = [logged(at), logged(second)]
  expect([...here.ids, ...there.ids].sort()).toEqual([...idsOf(of)].sort())
  expect([here.gaps, there.gaps]).toEqual([[], []])
  expect(verifyAudit([at.directory, second.directory]).faults).toEqual([])

  of.lose(0, 1)
  of.add(0)
  first.reread()

  expect(new Set(logged(at).ids).size).toBe(logged(at).ids.length)
  expect(logged(at).ids).toEqual(expect.arrayContaining([...idsOf(of)]))
  expect(verifyAudit([at.directory, second.directory]).faults).toEqual([])
})

test('what the store has dropped is told as dropped', () => {
  const again = rereading()
  const at = place()
  const log = at.open()
  again.begin(at.directory, log.positions())

  expect(again.restart([7, 0, 3], [9, 0, 3])).toEqual([
    { partition: 0, sequence: 7, reason: 'dropped' },
    { partition: 2, sequence: 3, reason: 'dropped' },
  ])
  expect(again.restart([7, 0, 3], [9, 0, 3])).toEqual([])
})

test('of a long log the end is known, and what is older is believed to be logged', () => {
  const [of, at] = [feed(), place()]
  for (let n = 0; n < 60; n++) of.add(n % 2)
  const few: Rereading = rereading({ known: 10, lines: 20 })
  const it = writer(of, at, [], few)
  it.begin()
  const before = idsOf(of)

  it.reread()
  it.begin()
  it.reread()
  of.lose(0, 3)
  for (let n = 0; n < 5; n++) of.add(0)
  it.reread()

  expect(logged(at).gaps).toEqual(['rolled_back 0 30>27'])
  expect(logged(at).ids).toEqual([...before.slice(0, 60), ...idsOf(of).slice(27, 32)])
})

type Act =
  | { readonly act: 'event' | 'change'; readonly partition: number }
  | { readonly act: 'lose'; readonly partition: number; readonly count: number }
  | { readonly act: 'read' | 'begin' | 'reread' }

const partition = fc.nat({ max: 2 })
const anAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('event' as const), partition }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('change' as const), partition }) },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ act: fc.constant('lose' as const), partition },
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constantFrom('read', 'begin', 'reread') }) },
)

test('whatever is lost, whenever the writer begins: nothing doubled, nothing new missing', () => {
  fc.assert(
    fc.property(fc.array(anAct, { maxLength: 40 }), (acts) => {
      const [of, at] = [feed(), place()]
      const it = writer(of, at)
      it.begin()
      let mayHaveLost = false

      for (const one of acts) {
        if (one.act === 'lose') {
          of.lose(one.partition, one.count)
          mayHaveLost = true
        } else if (one.act === 'event' || one.act === 'change') of.add(one.partition, one.act)
        else if (one.act === 'begin') {
          it.begin()
          mayHaveLost = false
        } else {
          // A store that lost something says so to a writer that is there.
          if (one.act === 'reread' || mayHaveLost) it.reread()
          else it.read()
          mayHaveLost = false
        }
      }
      it.begin()

      const { ids } = logged(at)
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids).toEqual(expect.arrayContaining([...idsOf(of)]))
      expect(verifyAudit([at.directory], { verifierKeys: VERIFIER_KEYS }).faults).toEqual([])
    }),
    { numRuns: 100 },
  )
})
