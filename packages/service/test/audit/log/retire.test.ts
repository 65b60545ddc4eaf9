import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Finding } from '../../../src/audit/finding.ts'
import type { AuditLog } from '../../../src/audit/log/audit-log.ts'
import { leafOf, lineText, parseLine, stubIn } from '../../../src/audit/log/lines.ts'
import { newNoteKey, noteSigner, noteVerifier } from '../../../src/audit/log/note.ts'
import { proveLine, verifyProof } from '../../../src/audit/log/proof.ts'
import { countedLines, readLog } from '../../../src/audit/log/read.ts'
import { setBit } from '../../../src/audit/log/retire.ts'
import { remarks } from '../../../src/audit/log/verdict.ts'
import { type AuditVerdict, verifyAudit } from '../../../src/audit/log/verify.ts'
import { verifyDirectory } from '../../../src/audit/log/verify-directory.ts'
import { type ByClass, byClass, type EventClass } from '../../../src/audit/retention.ts'
import { holdfast } from '../../cli/holdfast.ts'
import { folder } from '../../support.ts'
import {
  entries,
  event,
  host,
  PERSONAL,
  place,
  SIGNER,
  segmentsIn,
  VERIFIER_KEYS,
} from './support.ts'

const DAY = 86_400_000

const FINDING: Finding = {
  ...{ id: 'finding-1', rule: 'two_holders', severity: 'high', at: 0, title: 'Two', text: 'Two' },
  ...{ group: {}, subject: null, session: null, network: '203.0.113.0/24', count: 1, events: [] },
}

/** Of each class an event, in the order of their sequences. */
const TYPES = ['session-established', 'session-presented', 'token-reused', 'admin-acted'] as const

/** A log of three days with a segment each: eight events and a finding a day, signed. */
function logged(here = place()) {
  const log = here.open()
  for (let day = 0; day < 3; day++) {
    if (day > 0) host.advance(DAY)
    for (let at = 1; at <= 8; at++) {
      const sequence = day * 8 + at
      const one = event({ type: TYPES[at % 4] ?? 'login-failed', at: host.now() })
      log.append([{ partition: at % 2, sequence, event: one, personal: PERSONAL }])
    }
    log.appendFindings([{ ...FINDING, id: `finding-${day}`, at: host.now() }])
    log.checkpoint()
  }
  return { ...here, log }
}

/** Lines of these classes are past their time, where they are complete. */
function over(...names: readonly EventClass[]): ByClass {
  return byClass((name) => (names.includes(name) ? host.now() + 1 : 0))
}

const ALL = ['login', 'session', 'detection', 'account'] as const

function retire(log: AuditLog, before: ByClass): void {
  while (!log.retire(before));
}

function verdictOf(...directories: readonly string[]): AuditVerdict {
  return verifyAudit(directories, { verifierKeys: VERIFIER_KEYS })
}

function kindsIn(directory: string): readonly string[] {
  return [...readLog({ directory })].map(({ line }) =>
    line.kind === 'event' ? line.event.type : line.kind,
  )
}

function bytesOf(directory: string): number {
  return segmentsIn(directory).reduce((sum, path) => sum + statSync(path).size, 0)
}

test('lines past their time are stubs, of their class alone, and everything verifies', () => {
  const { directory, log } = logged()
  const before = [...countedLines(directory)].map(({ bytes }) => leafOf(Buffer.from(bytes)))
  const kept = readFileSync(join(directory, 'checkpoint'), 'utf8')

  retire(log, over('session', 'detection'))
  log.checkpoint()

  const verdict = verifyAudit([directory], { verifierKeys: VERIFIER_KEYS, against: kept })
  expect(verdict).toMatchObject({ ok: true, faults: [], notes: [] })
  expect(verdict.directories).toMatchObject([{ segments: 3, retired: 10, events: 16, lines: 32 }])
  expect(kindsIn(directory)).toEqual([
    ...['segment', 'stub', 'stub', 'admin-acted', 'session-established'],
    ...['stub', 'stub', 'admin-acted', 'session-established', 'stub'],
    ...['segment', 'stub', 'stub', 'admin-acted', 'session-established'],
    ...['stub', 'stub', 'admin-acted', 'session-established', 'stub'],
    ...['segment', 'session-presented', 'token-reused', 'admin-acted', 'session-established'],
    ...['session-presented', 'token-reused', 'admin-acted', 'session-established', 'finding'],
    ...['retired', 'retired'],
  ])
  const after = [...countedLines(directory)].map(({ bytes }) => leafOf(Buffer.from(bytes)))
  expect(after.slice(0, before.length)).toEqual(before)
})

test('the log says which lines of which segment were retired, and why', () => {
  const { directory, log } = logged()

  retire(log, over('session'))

  const told = [...readLog({ directory })].flatMap(({ line }) =>
    line.kind === 'retired' ? [line] : [],
  )
  const bits = Buffer.alloc(2)
  for (const at of [1, 5]) setBit(bits, at)
  expect(told).toMatchObject([
    { segment: 1, count: 2, before: { session: host.now() + 1 }, lines: bits.toString('base64') },
    { segment: 2, count: 2, note: expect.stringContaining('retired 2 lines of segment 2') },
  ])
})

test('a class whose time comes later is retired later, and a third time there is nothing', () => {
  const { directory, log, open } = logged()
  retire(log, over('session'))
  const size = log.size()
  retire(log, over('session'))
  expect(log.size()).toBe(size)
  log.close()

  const again = open()
  retire(again, over(...ALL))
  again.checkpoint()
  const done = again.size()
  again.close()
  // What is retired stands in the first line of each segment.
  host.advance(DAY)
  const third = open()
  retire(third, over('session'))

  expect(kindsIn(directory).filter((kind) => kind === 'stub')).toHaveLength(27)
  expect(third.size()).toBe(done + 1)
  expect(verdictOf(directory)).toMatchObject({ ok: true, faults: [] })
})

test('nothing is retired of the newest segment, and a day ends a segment', () => {
  const { directory, log } = logged(place())
  expect(segmentsIn(directory)).toHaveLength(3)

  retire(log, over(...ALL))
  expect(kindsIn(directory).slice(20, 23)).toEqual(['segment', 'session-presented', 'token-reused'])
  host.advance(DAY)
  retire(log, over(...ALL))

  expect(segmentsIn(directory)).toHaveLength(4)
  expect(kindsIn(directory).filter((kind) => !['segment', 'stub'].includes(kind))).toEqual([
    ...['retired', 'retired', 'retired'],
  ])
  expect(verdictOf(directory)).toMatchObject({ ok: true, faults: [] })
})

test('disk space comes back, and no personal part is left', () => {
  const { directory, log } = logged()
  const before = bytesOf(directory)
  const personal = [...readLog({ directory })].flatMap(({ line }) =>
    line.kind === 'event' && line.index < 20 ? [line.personal ?? ''] : [],
  )

  retire(log, over(...ALL))

  expect(bytesOf(directory)).toBeLessThan(0.7 * before)
  const bytes = Buffer.concat(segmentsIn(directory).map((path) => readFileSync(path)))
  expect(personal).toHaveLength(16)
  for (const sealed of personal) expect(bytes.includes(sealed)).toBe(false)
  expect(readdirSync(directory).filter((name) => name.endsWith('.new'))).toEqual([])
})

test('a retired line proves nothing, and the others are proven by its leaf', () => {
  const { directory, log } = logged()
  retire(log, over('session'))
  log.checkpoint()

  for (const { index, bytes } of countedLines(directory)) {
    if (stubIn(bytes) !== undefined) {
      expect(() => proveLine(directory, { index })).toThrow(
        expect.objectContaining({
          code: 'not_found',
          message: expect.stringMatching(new RegExp(`^Line ${index} is retired.* leaf hash`)),
        }),
      )
    } else {
      const proof = proveLine(directory, { index })
      expect(verifyProof(proof, VERIFIER_KEYS)).toMatchObject({ ok: true, index })
    }
  }
  expect(() => proveLine(directory, { event: 'event-that-was-retired' })).toThrow(
    'It may be one of 4 lines that are retired.',
  )
})

test('show and verify say what is retired', async () => {
  const { directory, log } = logged()
  retire(log, over('session'))
  log.checkpoint()

  const show = await holdfast(`audit show ${directory}`)
  const stubs = await holdfast(`audit show ${directory} --type stub --json`)
  const since = await holdfast(`audit show ${directory} --type stub --since 1970-01-01`)
  const why = await holdfast(`audit show ${directory} --type retired`)
  const verify = await holdfast(`audit verify ${directory} --key ${SIGNER.verifierKey}`)

  expect(show.out).toMatch(/^1 {2}stub {2}retired: line 30 says why {2}leaf hash \S{44}$/m)
  expect(stubs.out.trim().split('\n')).toHaveLength(4)
  expect(since.out).toBe('')
  expect(why.out).toMatch(/^30 .* retired {2}2 lines of segment 1 {2}session before \d{4}-/m)
  expect(verify.out).toContain('32 lines signed, 4 lines retired.')
  expect(verify.code).toBe(0)
})

test('what a writer had written that had lost the log goes with the rest', () => {
  const here = place()
  const { directory, log, open } = logged(here)
  const [stale = ''] = segmentsIn(directory).slice(-1)
  // A writer that was killed with its first lines: nothing continues its segment.
  const lost = join(directory, 'segment-00000004.jsonl')
  cpSync(stale, lost)
  truncateSync(lost, 10)
  log.close()
  const next = open()
  expect(segmentsIn(directory).map((path) => basename(path))).toContain('segment-00000005.jsonl')
  next.append(entries(5, [1]))
  host.advance(DAY)
  next.append(entries(5, [2]))

  retire(next, over(...ALL))

  expect(statSync(lost).size).toBe(0)
  expect(verdictOf(directory)).toMatchObject({ ok: true, faults: [] })
})

describe('a writer that is killed while it retires', () => {
  /** A log before and after the first segment was rewritten. */
  function halves() {
    const here = logged()
    const before = folder()
    cpSync(here.directory, before, { recursive: true })
    here.log.retire(over(...ALL))
    here.log.close()
    return { before, after: here.directory, vault: here.vault }
  }

  const at = (directory: string, number: number): string => segmentsIn(directory)[number] ?? ''

  test.each<[string, (before: string, after: string) => void]>([
    [
      'within the new file',
      (before, after) => {
        const half = readFileSync(at(after, 0)).subarray(0, 1_000)
        writeFileSync(join(before, 'retiring.1.new'), half)
      },
    ],
    [
      'within the line that says so',
      (before, after) => {
        cpSync(at(after, 0), join(before, 'retiring.1.new'))
        cpSync(at(after, 2), at(before, 2))
        truncateSync(at(before, 2), statSync(at(before, 2)).size - 100)
      },
    ],
    [
      'after the line that says so',
      (before, after) => {
        cpSync(at(after, 0), join(before, 'retiring.1.new'))
        cpSync(at(after, 2), at(before, 2))
      },
    ],
    [
      'after the new file has its place',
      (before, after) => {
        for (const number of [0, 2]) cpSync(at(after, number), at(before, number))
      },
    ],
  ])('%s: the log verifies, is read, and a successor ends what it began', (_, cut) => {
    const { before, after, vault } = halves()
    cut(before, after)

    const left = verdictOf(before)
    const lines = [...readLog({ directory: before })].length
    const next = place(before)
    const log = next.open({ epoch: 2, vault })
    retire(log, over(...ALL))
    log.checkpoint()

    expect(left.faults).toEqual([])
    expect(lines).toBeGreaterThanOrEqual(30)
    expect(
      kindsIn(before)
        .slice(0, 20)
        .every((kind) => ['segment', 'stub'].includes(kind)),
    ).toBe(true)
    expect(verdictOf(before)).toMatchObject({ ok: true, faults: [] })
    expect(existsSync(join(before, 'retiring.1.new'))).toBe(false)
  })
})

test('a writer that has lost the log rewrites nothing', () => {
  const { directory, log, open } = logged()
  const before = readFileSync(segmentsIn(directory)[0] ?? '')
  open()

  expect(() => log.retire(over(...ALL))).toThrow(
    expect.objectContaining({ code: 'store_contended' }),
  )

  expect(readFileSync(segmentsIn(directory)[0] ?? '')).toEqual(before)
  expect(readdirSync(directory).filter((name) => name.endsWith('.new'))).toEqual([])
})

test('a segment that was changed is evidence: it stays, and the next one is retired', () => {
  const { directory, log } = logged()
  const [first = ''] = segmentsIn(directory)
  const edited = readFileSync(first, 'utf8').replace('token-reused', 'token-unused')
  writeFileSync(first, edited)

  expect(() => log.retire(over(...ALL))).toThrow(
    expect.objectContaining({ code: 'record_invalid', message: expect.stringContaining(first) }),
  )
  retire(log, over(...ALL))

  expect(readFileSync(first, 'utf8')).toBe(edited)
  expect(kindsIn(directory).filter((kind) => kind === 'stub')).toHaveLength(9)
  expect(verdictOf(directory).faults).toMatchObject([{ code: 'line_edited', file: first, line: 3 }])
})

test('who reads while a segment is rewritten goes on', () => {
  const { directory, log } = logged()
  const reader = readLog({ directory })
  const read: number[] = []
  for (let lines = 0; lines < 4; lines++) read.push(reader.next().value?.index ?? -1)

  retire(log, over(...ALL))
  for (const { index } of reader) read.push(index)

  expect(read).toEqual(Array.from({ length: log.size() }, (_, at) => at))
})

test('verify finds the line that retires what it reads in a segment that came meanwhile', () => {
  const { directory, log } = logged()
  const found = remarks()
  let lines = 0

  const { facts } = verifyDirectory(directory, found, {
    ...{ verifiers: VERIFIER_KEYS.map(noteVerifier), against: undefined },
    witnesses: undefined,
    onLine() {
      lines++
      if (lines > 1) return
      // The first segment is open by now, and the second is not.
      host.advance(DAY)
      retire(log, over(...ALL))
    },
  })

  expect(found.faults).toEqual([])
  expect(facts).toMatchObject({ segments: 3, retired: 18 })
})

test('a copy in which nothing was retired yet tells the same', () => {
  const { directory, log } = logged()
  const copy = folder()
  cpSync(directory, copy, { recursive: true })

  retire(log, over('session'))
  log.checkpoint()

  const { ok, notes } = verdictOf(directory, copy)
  expect(ok).toBe(true)
  expect(notes.map(({ code }) => code)).toContain('not_compared')
})

describe('whoever removes a line himself is found', () => {
  /** Puts a stub in the place of a line, as the writer would. */
  function stubbed(text: string, by: number): string {
    const line = parseLine(Buffer.from(text))
    if (line === undefined) throw new Error('not a line')
    const { index, previous } = line
    const leaf = leafOf(Buffer.from(text)).toString('base64')
    const position =
      line.kind === 'event' ? ([line.partition, line.after, line.sequence] as const) : undefined
    const stub = { kind: 'stub', leaf, by } as const
    return lineText({ v: 1, index, previous, ...stub, ...(position && { position }) })
  }

  function change(path: string, how: (lines: string[]) => string[]): void {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    writeFileSync(path, `${how(lines).join('\n')}\n`)
  }

  function faults(directory: string): readonly (readonly [string, string, number | null])[] {
    return verdictOf(directory).faults.map(({ code, file, line }) => [code, basename(file), line])
  }

  function retired() {
    const it = logged()
    retire(it.log, over('session'))
    it.log.checkpoint()
    const [first = '', , newest = ''] = segmentsIn(it.directory)
    return { ...it, first, newest, by: 30 }
  }

  test.each<[string, number]>([
    ['naming the line that retires others', 30],
    ['naming a line that retires nothing', 12],
    ['naming no line at all', 9_999],
  ])('%s', (_, by) => {
    const { directory, first } = retired()
    change(first, (lines) => lines.with(4, stubbed(lines[4] ?? '', by)))

    expect(faults(directory)).toEqual([['line_removed', 'segment-00000001.jsonl', 5]])
  })

  test('in a segment in which nothing was retired', () => {
    const { directory, log } = logged()
    log.checkpoint()
    const path = segmentsIn(directory)[1] ?? ''
    change(path, (lines) => lines.with(2, stubbed(lines[2] ?? '', 3)))

    expect(faults(directory)).toEqual([['line_removed', 'segment-00000002.jsonl', 3]])
  })

  test('in the newest segment', () => {
    const { directory, newest, by } = retired()
    change(newest, (lines) => lines.with(2, stubbed(lines[2] ?? '', by)))

    expect(faults(directory)).toEqual([['line_removed', 'segment-00000003.jsonl', 3]])
  })

  test('and the position in a stub, which is in no leaf, is signed with it', () => {
    const { directory, first } = retired()
    change(first, (lines) =>
      lines.with(1, lines[1]?.replace(/"position":\[1,0,1\]/, '"position":[1,0,0]') ?? ''),
    )

    expect(faults(directory)).toContainEqual(['line_edited', 'segment-00000001.jsonl', null])
  })

  test('with a line of his own, which only the key of the log could sign', () => {
    const { directory, log } = logged()
    log.checkpoint()
    const copy = folder()
    cpSync(directory, copy, { recursive: true })
    log.close()
    const stranger = place(copy)
    const forger = stranger.open({
      ...{ signer: noteSigner(newNoteKey(SIGNER.name, host.random)), epoch: 9 },
    })

    retire(forger, over('login'))

    const { faults: found } = verdictOf(copy)
    expect(new Set(found.map(({ code }) => code))).toEqual(new Set(['line_removed']))
    expect(found[0]?.message).toContain('is signed by no key that is trusted here')
  })

  test('any line of any segment, whatever was retired before', () => {
    fc.assert(
      fc.property(fc.nat(18), fc.boolean(), fc.subarray([...ALL]), (nth, own, names) => {
        const { directory, log } = logged()
        retire(log, over(...names))
        log.checkpoint()
        log.close()
        const lines = [...readLog({ directory })].filter(
          ({ line }) => line.index < 20 && line.kind !== 'stub' && line.kind !== 'segment',
        )
        const chosen = lines[nth % Math.max(1, lines.length)]
        if (chosen === undefined) return
        const by = own ? 30 : log.size() - 1
        change(chosen.file, (texts) =>
          texts.with(chosen.number - 1, stubbed(texts[chosen.number - 1] ?? '', by)),
        )

        const removed = verdictOf(directory).faults.filter(({ code }) => code === 'line_removed')

        expect(removed.map(({ file, line }) => [file, line])).toEqual([
          [chosen.file, chosen.number],
        ])
      }),
      { numRuns: 12 },
    )
  })
})
