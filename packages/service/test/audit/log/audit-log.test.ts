import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Finding } from '../../../src/audit/finding.ts'
import { noteVerifier, openNote } from '../../../src/audit/log/note.ts'
import { readLog } from '../../../src/audit/log/read.ts'
import { verifyAudit } from '../../../src/audit/log/verify.ts'
import { folder } from '../../support.ts'
import {
  addLine,
  entries,
  event,
  PERSONAL,
  place,
  SIGNER,
  segmentsIn,
  VERIFIER_KEYS,
} from './support.ts'

test('what was appended has the index of its line, and is read back', () => {
  const { directory, open } = place()
  const log = open()

  const first = log.append(entries(3, [1, 4]))
  const second = log.append(entries(9, [2]))

  expect([...first, ...second].map(({ index }) => index)).toEqual([1, 2, 3])
  const read = [...readLog({ directory })].map(({ line }) => line)
  expect(read.map(({ kind, index }) => [kind, index])).toEqual([
    ['segment', 0],
    ['event', 1],
    ['event', 2],
    ['event', 3],
  ])
  expect(read.flatMap((line) => (line.kind === 'event' ? [line.event] : []))).toEqual(
    [...first, ...second].map((entry) => entry.event),
  )
  expect([...readLog({ directory, from: 3 })]).toHaveLength(1)
})

test('entries at positions that the log has are left out, in a batch and after a restart', () => {
  const { open } = place()
  const log = open()
  const batch = entries(3, [1, 4])
  log.append([...batch, ...batch])
  log.close()

  const again = open().append([...batch, ...entries(3, [5])])

  expect(again.map(({ sequence }) => sequence)).toEqual([5])
})

test('entries that do not ascend are refused: one that comes late would pass for logged', () => {
  const { open } = place()
  const log = open()

  expect(() => log.append(entries(3, [4, 2]))).toThrow(RangeError)

  expect(log.size()).toBe(1)
})

test('positions without events are told of at times, and are not forgotten', () => {
  const { directory, open } = place()
  const log = open()
  log.append(entries(2, [5]), [0, 0, 900])
  expect(log.positions()[2]).toBe(5)

  log.append([], [0, 0, 1_500])
  expect(log.positions()[2]).toBe(1_500)
  log.append(entries(2, [1_501]))
  log.close()

  expect(open().positions()[2]).toBe(1_501)
  expect(verifyAudit([directory]).faults).toEqual([])
})

test('positions that were seen, and that no line tells of, are no hole after a restart', () => {
  const { directory, open } = place()
  const log = open()
  log.append(entries(2, [1]), [0, 0, 2])
  const acknowledged = log.positions()
  log.close()

  open({ elsewhere: acknowledged }).append(entries(2, [3]))

  expect(acknowledged[2]).toBe(1)
  expect(verifyAudit([directory]).faults).toEqual([])
})

test('a log goes on in a new segment once one is full, and its header has the positions', () => {
  const { directory, open } = place()
  const log = open({ segmentBytes: 2_000 })
  for (let sequence = 1; sequence <= 40; sequence++) log.append(entries(sequence % 3, [sequence]))
  const { length } = segmentsIn(directory)
  log.close()

  const again = open()

  expect(length).toBeGreaterThan(5)
  expect(again.positions().slice(0, 3)).toEqual([39, 40, 38])
  const { ok, directories } = verifyAudit([directory])
  expect(ok).toBe(true)
  expect(directories[0]).toMatchObject({ events: 40, segments: length + 1 })
})

test('a checkpoint is a signed note over all lines, in a file and in the history', () => {
  const { directory, open } = place()
  const log = open()
  log.append(entries(1, [1, 2, 3]))

  const first = log.checkpoint()
  const same = log.checkpoint()
  log.append(entries(1, [4]))
  const second = log.checkpoint()

  const opened = openNote(second, [noteVerifier(SIGNER.verifierKey)])
  expect(opened).toMatchObject({ ok: true, signedBy: ['audit.example/log'] })
  expect(same).toBe(first)
  expect(readFileSync(join(directory, 'checkpoint'), 'utf8')).toBe(second)
  expect(readFileSync(join(directory, 'checkpoints'), 'utf8').match(/"note"/g)).toHaveLength(2)
  const verdict = verifyAudit([directory], { verifierKeys: VERIFIER_KEYS, against: first })
  expect(verdict).toMatchObject({ ok: true, notes: [], directories: [{ lines: 5, signed: 5 }] })
})

test('the files are for their owner alone', () => {
  const { directory, open } = place()
  const log = open()
  log.append(entries(1, [1]))
  log.checkpoint()

  for (const name of readdirSync(directory)) {
    expect([name, statSync(join(directory, name)).mode & 0o077]).toEqual([name, 0])
  }
})

test('an event that does not open is a gap, which verify names', () => {
  const { directory, open } = place()
  const log = open()
  const [one, two] = entries(1, [3, 7])
  if (one === undefined || two === undefined) throw new Error('There are two.')
  const lost = { partition: 1, sequence: 5, unreadable: 'the-id-of-it' }

  const logged = log.append([one, lost, two])
  log.append([lost])
  log.checkpoint()

  expect(logged.map(({ index, sequence }) => [index, sequence])).toEqual([
    [1, 3],
    [3, 7],
  ])
  expect(log.positions()[1]).toBe(7)
  const verdict = verifyAudit([directory], { verifierKeys: VERIFIER_KEYS })
  const said = 'the event the-id-of-it at position 5 of partition 1 did not open'
  expect(verdict).toMatchObject({
    ok: true,
    notes: [{ code: 'gap', line: 3, message: expect.stringContaining(said) }],
    directories: [{ lines: 4, events: 2 }],
  })
})

test('an event that one writer could open and another could not is no fault', () => {
  const [here, there] = [place(), place()]
  const all = entries(1, [3, 5, 7])
  const lost = { partition: 1, sequence: 5, unreadable: all[1]?.event.id ?? '' }
  here.open().append(all)
  there.open().append(all.map((one) => (one === all[1] ? lost : one)))

  const { ok, faults } = verifyAudit([here.directory, there.directory])

  expect(faults).toEqual([])
  expect(ok).toBe(true)
})

test('findings and gaps are lines, and a gap that the log does not have is left out', () => {
  const { directory, open } = place()
  const log = open()
  log.append(entries(1, [5]))
  log.appendFindings([FINDING])

  log.appendGaps([
    { partition: 1, sequence: 4, reason: 'dropped' },
    { partition: 1, sequence: 20, reason: 'dropped' },
  ])

  expect(log.positions()[1]).toBe(20)
  const { ok, notes } = verifyAudit([directory])
  expect(ok).toBe(true)
  expect(notes.filter(({ code }) => code === 'gap').map(({ message }) => message)).toEqual([
    'positions 6 to 20 of partition 1 were gone before it had them',
  ])
})

test('a store that was rolled back goes on at a lower position, and the log says so', () => {
  const { directory, open } = place()
  const log = open()
  log.append(entries(1, [5, 6, 7]))

  log.appendGaps([{ partition: 1, sequence: 5, reason: 'rolled_back' }])
  const added = log.append(entries(1, [6]))
  log.close()

  expect(added).toHaveLength(1)
  expect(open().positions()[1]).toBe(6)
  expect(verifyAudit([directory]).faults).toEqual([])
})

test('a successor stops its predecessor, whose last lines do not count', () => {
  const { directory, open } = place()
  const old = open()
  old.append(entries(1, [1]))
  const fresh = open()

  expect(() => old.append(entries(1, [2]))).toThrow(
    expect.objectContaining({ code: 'store_contended' }),
  )
  expect(() => old.checkpoint()).toThrow(expect.objectContaining({ code: 'store_contended' }))
  expect(fresh.append(entries(1, [2, 3]))).toHaveLength(2)
  fresh.checkpoint()
  expect(verifyAudit([directory]).ok).toBe(true)
})

test('lines that a stale writer adds after it was taken over do not count, and are told of', () => {
  const { directory, open } = place()
  open().append(entries(1, [1]))
  const [first = ''] = segmentsIn(directory)
  open().append(entries(1, [2]))
  addLine(first, { kind: 'event', partition: 1, after: 1, sequence: 2, event: event() })
  appendFileSync(first, '{"v":1,"kind":"ev')

  const { ok, notes, directories } = verifyAudit([directory], { verifierKeys: VERIFIER_KEYS })

  expect(ok).toBe(true)
  expect(directories[0]?.events).toBe(2)
  expect(notes.map(({ code, line }) => [code, line])).toEqual([
    ['not_counted', 4],
    ['not_counted', 3],
    ['not_signed', null],
  ])
})

test('a writer of an earlier epoch than the last one is refused, and stops nobody', () => {
  const { directory, open } = place()
  const log = open({ epoch: 7 })

  expect(() => open({ epoch: 6 })).toThrow(expect.objectContaining({ code: 'store_contended' }))

  expect(log.append(entries(1, [1]))).toHaveLength(1)
  expect(segmentsIn(directory)).toHaveLength(1)
})

test('a torn last line does not count, and the log goes on', () => {
  const { directory, open } = place()
  const log = open()
  log.append(entries(1, [1, 2]))
  log.close()
  const [path = ''] = segmentsIn(directory)
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.subarray(0, bytes.length - 20))

  const again = open()

  expect(again.positions()[1]).toBe(1)
  expect(again.append(entries(1, [2]))).toHaveLength(1)
  const { ok, notes } = verifyAudit([directory])
  expect(ok).toBe(true)
  expect(notes).toContainEqual(
    expect.objectContaining({ code: 'not_counted', file: path, line: 3 }),
  )
})

test('a log that was changed is not written on', () => {
  const edited = place()
  const cut = place()
  for (const { open } of [edited, cut]) {
    const log = open()
    log.append(entries(1, [1, 2]))
    log.checkpoint()
    log.close()
  }
  const [path = ''] = segmentsIn(edited.directory)
  writeFileSync(path, readFileSync(path, 'utf8').replace('"client"', '"engine"'))
  const [short = ''] = segmentsIn(cut.directory)
  writeFileSync(short, `${readFileSync(short, 'utf8').split('\n').slice(0, 2).join('\n')}\n`)

  for (const { open } of [edited, cut]) {
    expect(() => open()).toThrow(expect.objectContaining({ code: 'record_invalid' }))
  }
  rmSync(segmentsIn(cut.directory)[0] ?? '')
  expect(() => cut.open()).toThrow(expect.objectContaining({ code: 'record_invalid' }))
})

test('the directory of another log, and a path that is no directory, are refused', () => {
  const { open, vault } = place()
  open().close()
  const file = join(folder(), 'file')
  writeFileSync(file, '')

  expect(() => open({ origin: 'another.example/log' })).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
  expect(() => open({ directory: file, vault })).toThrow(
    expect.objectContaining({ code: 'store_unavailable' }),
  )
  expect(() => open({ directory: join(file, 'below'), vault })).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
})

test('a directory that is away throws, and once it is back there is no gap', () => {
  const { directory, open } = place()
  const log = open({ segmentBytes: 1 })
  log.append(entries(1, [1]))
  const batch = entries(1, [2, 3])
  const away = `${directory}.away`
  renameSync(directory, away)
  expect(() => log.append(batch)).toThrow(expect.objectContaining({ code: 'store_unavailable' }))

  renameSync(away, directory)

  expect(log.append(batch)).toHaveLength(2)
  expect(verifyAudit([directory]).ok).toBe(true)
})

test('names of strangers are inert in the lines, whatever they hold', () => {
  const { directory, open } = place()
  const hostile =
    '\u001b[31m</script>"}\n{"v":1}\u2028\u2029\u0085\u202e\u200b\u{e0041}\ud800\u007f'
  const log = open()

  log.append([{ partition: 1, sequence: 1, event: event({ actor: hostile }), personal: null }])
  log.append(entries(1, [2], { ...PERSONAL, userAgent: hostile.repeat(1_000) }))

  const text = readFileSync(segmentsIn(directory)[0] ?? '', 'utf8')
  expect(text).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u)
  expect(text.split('\n')).toHaveLength(4)
  const lines = [...readLog({ directory })].map(({ line }) => line)
  expect(lines[1]).toMatchObject({ event: { actor: hostile } })
  expect(verifyAudit([directory]).ok).toBe(true)
})

const FINDING: Finding = {
  ...{ id: 'f1', rule: 'two_holders', at: 1, title: 'Two holders', text: '' },
  ...{ group: {}, subject: null, session: null, network: null, count: 2, events: [] },
  severity: 'high',
}
