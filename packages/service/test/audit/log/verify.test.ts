import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lineName, lineText, parseLine } from '../../../src/audit/log/lines.ts'
import { newNoteKey, noteSigner } from '../../../src/audit/log/note.ts'
import { leafHash, merkleTree } from '../../../src/audit/log/tree.ts'
import { type AuditVerdict, verifyAudit } from '../../../src/audit/log/verify.ts'
import { folder } from '../../support.ts'
import { entries, host, place, SIGNER, segmentsIn, VERIFIER_KEYS } from './support.ts'

/** Three segments with ten events each, signed at the end of each. */
function logged(): string {
  const { directory, open } = place()
  for (let segment = 0; segment < 3; segment++) {
    const log = open()
    for (let at = 1; at <= 10; at++) log.append(entries(at % 2, [segment * 10 + at]))
    log.checkpoint()
    log.close()
  }
  return directory
}

/** Changes the lines of the second segment. */
function change(directory: string, how: (lines: string[]) => string[]): string {
  const path = segmentsIn(directory)[1] ?? ''
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  writeFileSync(path, `${how(lines).join('\n')}\n`)
  return path
}

function verdictOf(...directories: string[]): AuditVerdict {
  return verifyAudit(directories, { verifierKeys: VERIFIER_KEYS })
}

/** Codes and lines of the faults in a file. */
function faultsIn({ faults }: AuditVerdict, file: string): readonly [string, number | null][] {
  return faults.filter((one) => one.file === file).map(({ code, line }) => [code, line])
}

const swapped = (lines: string[], at: number): string[] => [
  ...lines.slice(0, at),
  ...[lines[at + 1] ?? '', lines[at] ?? ''],
  ...lines.slice(at + 2),
]

describe('a change names the file and the line', () => {
  test.each<[string, string, number, (lines: string[]) => string[]]>([
    ['a deleted line', 'line_missing', 5, (lines) => lines.filter((_, at) => at !== 4)],
    ['a deleted last line', 'truncated', 10, (lines) => lines.slice(0, -1)],
    [
      'an edited line',
      'line_edited',
      5,
      (lines) => lines.with(4, lines[4]?.replace('client', 'ghost') ?? ''),
    ],
    [
      'an edited last line',
      'line_edited',
      11,
      (lines) => lines.with(10, lines[10]?.replace('client', 'ghost') ?? ''),
    ],
    [
      'an edited first line',
      'line_edited',
      1,
      (lines) => lines.with(0, lines[0]?.replace('"epoch":2', '"epoch":1') ?? ''),
    ],
    [
      'a line with another index',
      'line_edited',
      5,
      (lines) => lines.with(4, lines[4]?.replace('"index":15', '"index":99') ?? ''),
    ],
    ['a line that is none', 'line_edited', 5, (lines) => lines.with(4, 'nothing to see here')],
    ['an empty line', 'line_edited', 5, (lines) => lines.with(4, '')],
    ['two swapped lines', 'line_moved', 6, (lines) => swapped(lines, 4)],
    ['swapped last lines', 'line_moved', 11, (lines) => swapped(lines, 9)],
    ['a doubled line', 'line_doubled', 6, (lines) => lines.toSpliced(5, 0, lines[4] ?? '')],
    ['a doubled last line', 'line_doubled', 12, (lines) => lines.toSpliced(11, 0, lines[10] ?? '')],
    [
      'a line that was copied to another place',
      'line_doubled',
      9,
      (lines) => lines.toSpliced(8, 0, lines[2] ?? ''),
    ],
    ['a line that was added at the end', 'line_added', 12, (lines) => [...lines, '{"v":1}']],
    [
      'a file that was cut within a line',
      'truncated',
      5,
      (lines) => [...lines.slice(0, 5), lines[5]?.slice(0, 30) ?? ''].slice(0, 5),
    ],
  ])('%s', (_name, code, line, how) => {
    const directory = logged()
    const path = change(directory, how)

    const verdict = verdictOf(directory)

    expect(verdict.ok).toBe(false)
    expect(faultsIn(verdict, path)).toContainEqual([code, line])
    const others = verdict.faults.filter(({ code }) => code.startsWith('line_'))
    expect(others.every((fault) => fault.file === path)).toBe(true)
  })

  test('a deleted line also names the positions that are missing', () => {
    const directory = logged()
    change(directory, (lines) => lines.filter((_, at) => at !== 4))

    const { faults } = verdictOf(directory)

    expect(faults.map(({ message }) => message)).toContain(
      'positions 13 to 14 of partition 0 are missing',
    )
  })
})

test('somebody who also writes all that follows anew is found by the signed root', () => {
  const directory = logged()
  const tree = merkleTree()
  let previous = ''
  for (const [at, path] of segmentsIn(directory).entries()) {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    const forged = lines.map((text, number) => {
      const edited = at === 1 && number === 4 ? text.replace('client', 'ghost') : text
      const line = parseLine(Buffer.from(edited))
      if (line === undefined) throw new Error('not a line')
      const edge = tree.edge().map((hash) => hash.toString('base64'))
      const root = tree.root().toString('base64')
      const head = line.kind === 'segment' ? { ...line, root, edge } : line
      const fresh = lineText({ ...head, previous })
      const leaf = leafHash(Buffer.from(fresh))
      tree.add(leaf)
      previous = lineName(leaf)
      return fresh
    })
    writeFileSync(path, `${forged.join('\n')}\n`)
  }

  const { faults } = verdictOf(directory)

  expect(faults.map(({ code }) => code)).toEqual(['root_differs', 'root_differs', 'root_differs'])
  expect(faults[0]?.message).toContain(
    'between line 11 of the log and line 21 something was edited',
  )
})

test.each([
  ['first', 0],
  ['middle', 1],
  ['last', 2],
])('the %s segment that is gone is named', (_name, at) => {
  const directory = logged()
  const path = segmentsIn(directory)[at] ?? ''
  rmSync(path)

  const { ok, faults } = verdictOf(directory)

  expect(ok).toBe(false)
  const said = faults.map(({ file, message }) => `${file}: ${message}`).join('\n')
  expect(said).toContain(at === 2 ? '33 lines were signed, and 22 are there' : path)
})

test('a log that was put back to an earlier state is found by a checkpoint that was kept', () => {
  const { directory, open } = place()
  const log = open()
  log.append(entries(1, [1]))
  log.checkpoint()
  const copy = folder()
  cpSync(directory, copy, { recursive: true })
  log.append(entries(1, [2]))
  const kept = log.checkpoint()

  const verdict = verifyAudit([copy], { verifierKeys: VERIFIER_KEYS, against: kept })

  expect(verdictOf(copy).ok).toBe(true)
  expect(verdict.faults.map(({ code }) => code)).toEqual(['truncated'])
  expect(verifyAudit([directory], { against: kept }).ok).toBe(true)
})

test('a checkpoint that was edited, or signed by another key, does not count', () => {
  const directory = logged()
  const path = join(directory, 'checkpoint')
  const note = readFileSync(path, 'utf8')
  const stranger = noteSigner(newNoteKey(SIGNER.name, host.random))
  const [text = ''] = note.split('\n\n')
  const problems = [note.replace('\n33\n', '\n32\n'), stranger.sign(`${text}\n`)].map((forged) => {
    writeFileSync(path, forged)
    return verdictOf(directory).faults.map(({ code, file }) => [code, file])
  })

  expect(problems).toEqual([[['checkpoint_invalid', path]], [['checkpoint_invalid', path]]])
  expect(() => verifyAudit([directory], { against: 'nothing' })).toThrow(
    expect.objectContaining({ code: 'invalid_input' }),
  )
})

test('half a line in the history of checkpoints, and cosignatures in one, are no fault', () => {
  const { directory, open } = place()
  const log = open()
  const history = join(directory, 'checkpoints')
  log.append(entries(1, [1]))
  log.checkpoint()
  log.close()
  writeFileSync(history, '{"at":1,"no', { flag: 'a' })
  const again = open()
  const note = again.checkpoint()
  const cosigned = `${note}\u2014 witness.example ${Buffer.alloc(76, 4).toString('base64')}\n`
  writeFileSync(join(directory, 'checkpoint'), cosigned)

  const { ok, notes, directories } = verdictOf(directory)

  expect(ok).toBe(true)
  expect(notes.map(({ code, line }) => [code, line])).toEqual([['not_counted', 3]])
  expect(directories[0]).toMatchObject({ lines: 3, signed: 3 })
})

describe('writers on several machines', () => {
  function relay() {
    const [one, two] = [place(), place()]
    const batch = entries(1, [1, 2, 3, 5, 8])
    const first = one.open({ origin: 'one.example' })
    first.append(batch.slice(0, 4))
    first.checkpoint()
    const second = two.open({ origin: 'two.example', epoch: 9, elsewhere: [0, 3] })
    return { one, two, batch, first, second }
  }

  test('are complete together, and not alone', () => {
    const { one, two, batch, second, first } = relay()
    second.append(batch)
    first.close()
    one
      .open({ origin: 'one.example', epoch: 10, elsewhere: second.positions() })
      .append(entries(1, [11]))

    const both = verdictOf(one.directory, two.directory)
    const alone = verdictOf(one.directory)

    expect(both.faults).toEqual([])
    expect(both.notes.filter(({ code }) => code === 'in_both')).toHaveLength(1)
    expect(alone.faults.map(({ code, message }) => [code, message])).toEqual([
      ['positions_missing', expect.stringContaining('positions 6 to 8 of partition 1')],
    ])
  })

  test('that tell different things of one position are named', () => {
    const { one, two, batch, second } = relay()
    second.append(entries(1, [5, 8]))
    expect(batch).toHaveLength(5)

    const { faults } = verdictOf(one.directory, two.directory)

    expect(faults.map(({ code }) => code)).toEqual(['directories_differ'])
  })

  test('of which one has an event that the other has passed over are named', () => {
    const { one, two, second } = relay()
    second.append(entries(1, [6, 8]))

    const { faults } = verdictOf(one.directory, two.directory)

    expect(faults.map(({ code }) => code)).toContain('directories_differ')
  })

  test('may overlap as a whole: a copy of a log is the same log', () => {
    const directory = logged()
    const copy = folder()
    cpSync(directory, copy, { recursive: true })

    const { ok, notes } = verdictOf(directory, copy)

    expect(ok).toBe(true)
    expect(notes.map(({ code }) => code)).toEqual(['in_both', 'in_both'])
  })
})

test('a directory that cannot be read is named', () => {
  expect(() => verifyAudit(['/nowhere/at/all'])).toThrow(
    expect.objectContaining({
      code: 'invalid_input',
      message: expect.stringContaining('/nowhere'),
    }),
  )
})
