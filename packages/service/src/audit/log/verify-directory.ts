import { SessionError } from 'holdfast'
import type { WitnessPolicy } from '../witness/cosignature.ts'
import { account } from './account.ts'
import type { Checkpoint } from './checkpoint.ts'
import { type Covered, coverage } from './coverage.ts'
import { type Line, leafOf, lineName, parseLine } from './lines.ts'
import type { NoteVerifier } from './note.ts'
import { readLog } from './read.ts'
import { chainOf, type RawLine, rawLines, type Segment } from './segments.ts'
import { type PlacedLine, sequence } from './sequence.ts'
import { signatures } from './signatures.ts'
import { stubs } from './stubs.ts'
import { merkleTree } from './tree.ts'
import type { Remarks } from './verdict.ts'

/** What one directory holds. */
export interface DirectoryFacts {
  readonly directory: string
  readonly origin: string | null
  readonly segments: number
  /** Lines that count. */
  readonly lines: number
  readonly events: number
  /** Lines whose text is gone: stubs stand in their places. */
  readonly retired: number
  /** Root over all lines, in base64. */
  readonly root: string
  /** Lines that a checkpoint covers. */
  readonly signed: number
  /** Lines that enough witnesses have signed, and when. Only where witnesses are named. */
  readonly cosigned?: number
  readonly cosignedAt?: number | null
}

export interface DirectoryOptions {
  readonly verifiers: readonly NoteVerifier[] | undefined
  readonly against: Checkpoint | undefined
  readonly witnesses: WitnessPolicy | undefined
  readonly onLine: (bytes: number) => void
}

/** Reads all lines of a directory once, and tells what is wrong with them. */
export function verifyDirectory(
  directory: string,
  remarks: Remarks,
  { verifiers, against, witnesses, onLine }: DirectoryOptions,
): { readonly facts: DirectoryFacts; readonly covered: Covered } {
  const signed = signatures(directory, remarks, { verifiers, against, witnesses })
  const { segments, others, broken } = chainOf(directory)
  for (const file of others) {
    remarks.note(
      'not_counted',
      file,
      null,
      'no later segment continues it: its writer had lost the log',
    )
  }
  if (broken !== undefined) remarks.fault('unreadable', broken.path, null, broken.message)

  const order = sequence(remarks)
  const positions = account()
  const covered = coverage(directory)
  let tree = merkleTree()
  const gone = stubs(remarks, { origin: segments[0]?.header.origin ?? '', verifiers })
  let events = 0
  let retired = 0
  /** Faults before the segment: they explain another root. */
  let explained = 0
  const isTrusted = (): boolean => order.faults() === explained

  if (segments[0] !== undefined) signed.origin(segments[0].header.origin)
  const start = segments[0]?.header.index ?? 0
  if (start > 0) {
    const message = `lines 0 to ${start - 1} of the log are missing`
    remarks.fault('truncated', segments[0]?.path ?? directory, 1, message)
    order.skipTo(start)
  }
  signed.reached(0, tree.root, true)
  for (const [at, segment] of segments.entries()) {
    begin(segment)
    read(segment, segments[at + 1]?.header.index)
  }
  order.end()
  const size = order.next()
  if (gone.wait()) readOn(size)
  gone.end()
  const { signed: signedLines, cosigned, cosignedAt } = signed.end(size)
  const facts: DirectoryFacts = {
    directory,
    origin: segments[0]?.header.origin ?? null,
    segments: segments.length,
    lines: size,
    events,
    retired,
    root: tree.root().toString('base64'),
    signed: signedLines,
    ...(witnesses === undefined ? {} : { cosigned, cosignedAt }),
  }
  if (facts.signed < size) {
    const count = size - facts.signed
    remarks.note('not_signed', directory, null, `no checkpoint covers the last ${count} lines yet`)
  }
  if (witnesses !== undefined && cosigned > 0 && cosigned < size) {
    const count = size - cosigned
    remarks.note('not_cosigned', directory, null, `no witness has signed the last ${count} lines`)
  }
  return { facts, covered: covered.end() }

  /** Goes on with what the first line of a segment says of the lines before it. */
  function begin({ path, header }: Segment): void {
    const root = Buffer.from(header.root, 'base64')
    if (isTrusted() && tree.size === header.index && !tree.root().equals(root)) {
      const message = 'something before this segment was edited: its first line names another root'
      remarks.fault('root_differs', path, 1, message)
    }
    explained = order.faults()
    try {
      tree = merkleTree(
        header.index,
        header.edge.map((hash) => Buffer.from(hash, 'base64')),
      )
    } catch {
      remarks.fault('line_edited', path, 1, 'this line was edited: its tree is none')
    }
  }

  function read(segment: Segment, until = Infinity): void {
    const { path, counted } = segment
    let stale = 0
    let staleName: string | undefined
    let last = 0
    for (const [raw, following] of pairs(rawLines(path))) {
      onLine(raw.bytes.length + 1)
      if (!raw.whole) {
        if (order.next() >= until || counted === undefined) {
          remarks.note('not_counted', path, raw.number, 'half a line: its writer was killed')
        }
        continue
      }
      const leaf = leafOf(raw.bytes)
      const placed = { line: parseLine(raw.bytes), leaf, file: path, number: raw.number }
      if (order.next() < until) {
        last = raw.number
        staleName = lineName(leaf)
        count(placed, following)
        if (placed.line?.kind === 'stub') {
          retired++
          gone.take(placed.line, raw.bytes, { segment, number: raw.number })
        }
      } else if (placed.line?.index === until + stale && placed.line.previous === staleName) {
        stale++
        staleName = lineName(leaf)
      } else late(placed)
    }
    if (stale > 0) {
      const message = `${stale} lines do not count: another writer took over, or the disk was full`
      remarks.note('not_counted', path, last + 1, message)
    }
    if (order.next() < until && until !== Infinity) {
      const message = `lines ${order.next()} to ${until - 1} should follow: the file was cut`
      remarks.fault('truncated', path, last, message)
      order.skipTo(until)
    }
  }

  function count(placed: PlacedLine, following: Line | undefined): void {
    const { line, leaf, file, number } = placed
    if (!order.take(placed, following)) return
    tree.add(leaf)
    if (line !== undefined) {
      covered.take(line)
      const wrong = positions.take(line)
      if (line.kind === 'event') events++
      if (line.kind === 'gap') remarks.note('gap', file, number, gapText(line))
      if (line.kind === 'retired') gone.allow(line)
      if (wrong !== undefined) {
        const code = wrong.endsWith('missing') ? 'positions_missing' : 'positions_wrong'
        remarks.fault(code, file, number, wrong)
      }
    }
    if (tree.size === order.next()) signed.reached(tree.size, tree.root, isTrusted())
  }

  /** What a writer has retired meanwhile, it has said in a segment that came meanwhile. */
  function readOn(from: number): void {
    try {
      for (const { line } of readLog({ directory, from })) {
        if (line.kind === 'retired') gone.allow(line)
      }
    } catch (error) {
      if (!(error instanceof SessionError)) throw error // that it is broken was told
    }
  }

  /** What nobody has written after the lines that count. */
  function late(placed: PlacedLine): void {
    const { line, file, number } = placed
    if (line !== undefined && line.index < order.next()) order.take(placed, undefined)
    else remarks.fault('line_added', file, number, 'this line is none that the writer has added')
  }
}

/** Each line with what the one after it says. */
function* pairs(lines: Iterable<RawLine>): Generator<[RawLine, Line | undefined], undefined> {
  let before: RawLine | undefined
  for (const line of lines) {
    if (before !== undefined) yield [before, line.whole ? parseLine(line.bytes) : undefined]
    before = line
  }
  if (before !== undefined) yield [before, undefined]
}

function gapText({
  reason,
  partition,
  after,
  sequence: to,
  event,
}: Extract<Line, { kind: 'gap' }>): string {
  if (reason === 'unreadable') {
    const where = `position ${to} of partition ${partition}`
    return `the event ${event} at ${where} did not open: its key was gone, or it was damaged`
  }
  if (reason === 'rolled_back') {
    return `the store was rolled back: partition ${partition} goes on after ${to}, not ${after}`
  }
  return `positions ${after + 1} to ${to} of partition ${partition} were gone before it had them`
}
