import { SessionError } from 'holdfast'
import { type Cosignature, cosignaturesOn, type WitnessPolicy } from '../witness/cosignature.ts'
import { openCheckpoint } from './checkpoint.ts'
import { leafOf, parseLine, type StubContent, stubIn } from './lines.ts'
import { fromBase64, noteVerifier } from './note.ts'
import { countedLines } from './read.ts'
import { checkpointText } from './recover.ts'
import { pastNotes } from './signatures.ts'
import { HASH_BYTES, type Hash, includes, inclusionRanges, leafHash, rangeHashes } from './tree.ts'

const FIRST_LINE = 'c2sp.org/tlog-proof@v1'

/** A tree of 2^53 lines has no longer proof. */
const MOST_HASHES = 53

/** What a proof shows: the line is in the log, and the log was signed. */
export type CheckedProof =
  | {
      readonly ok: true
      readonly origin: string
      readonly index: number
      readonly size: number
      /** The line itself, as it is in the log. */
      readonly line: string
      /** Who else has signed it, of the witnesses that were named. */
      readonly cosignatures: readonly Cosignature[]
    }
  | { readonly ok: false; readonly problem: string }

/**
 * Proves that an event, or the line with an index, is in the log: a text (C2SP tlog-proof) with the
 * line in it, which is checked without the log. Reads the log up to its newest checkpoint, or to
 * the newest that enough of these witnesses have signed. Throws `not_found` for what no such
 * checkpoint covers or is retired, and `record_invalid` for a log that was changed.
 */
export function proveLine(
  directory: string,
  wanted: { readonly event: string } | { readonly index: number },
  witnesses?: WitnessPolicy,
): string {
  const note =
    witnesses === undefined ? checkpointText(directory) : lastCosigned(directory, witnesses)
  if (note === undefined) {
    const which = witnesses === undefined ? 'checkpoint' : 'checkpoint of enough of these witnesses'
    throw new SessionError('not_found', `There is no ${which} in ${directory} yet.`)
  }
  const checkpoint = openCheckpoint(note, undefined)
  if (!checkpoint.ok) throw changed(directory)
  const index = 'index' in wanted ? wanted.index : indexOf(directory, wanted.event)
  const { size } = checkpoint
  if (index >= size) {
    throw new SessionError(
      'not_found',
      `Line ${index} is newer than the last checkpoint, which covers ${size} lines. Try again ` +
        'after the next one.',
    )
  }
  const path = rangeHashes(inclusionRanges(index, size))
  let line: Buffer | undefined
  for (const { index: at, bytes } of countedLines(directory)) {
    if (at >= size) break
    if (at === index) line = Buffer.from(bytes)
    else path.add(at, leafOf(bytes))
  }
  const stub = line && stubIn(line)
  if (stub !== undefined) throw gone(stub)
  const hashes = path.hashes()
  if (line === undefined || !includes({ index, hash: leafHash(line) }, checkpoint, hashes)) {
    throw changed(directory)
  }
  const head = `${FIRST_LINE}\nextra ${line.toString('base64')}\nindex ${index}\n`
  return `${head}${hashes.map((hash) => `${hash.toString('base64')}\n`).join('')}\n${note}`
}

/**
 * Checks a proof without the log, by the verifier keys of whoever signs its checkpoints and, where
 * witnesses are asked for, theirs.
 */
export function verifyProof(
  text: string,
  verifierKeys: readonly string[],
  witnesses: WitnessPolicy = { witnesses: [], quorum: 0 },
): CheckedProof {
  const end = text.indexOf('\n\n')
  const [first, extra = '', position = '', ...path] = text.slice(0, Math.max(0, end)).split('\n')
  const line = fromBase64(extra.replace(/^extra /, ''))
  const index = /^index (0|[1-9]\d{0,14})$/.exec(position)?.[1]
  const hashes = path.map(fromBase64).filter((hash) => hash?.length === HASH_BYTES) as Hash[]
  if (first !== FIRST_LINE || !extra.startsWith('extra ') || line === undefined) {
    return { ok: false, problem: 'it is no proof of a line' }
  }
  if (index === undefined || hashes.length !== path.length || path.length > MOST_HASHES) {
    return { ok: false, problem: 'it is no proof of a line' }
  }
  const note = text.slice(end + 2)
  const checkpoint = openCheckpoint(note, verifierKeys.map(noteVerifier))
  if (!checkpoint.ok) return { ok: false, problem: `its checkpoint: ${checkpoint.problem}` }
  if (!includes({ index: Number(index), hash: leafHash(line) }, checkpoint, hashes)) {
    return { ok: false, problem: 'the line is not in the log that was signed' }
  }
  const cosigned = cosignaturesOn(note, witnesses.witnesses)
  if (!cosigned.ok) return { ok: false, problem: `its checkpoint: ${cosigned.problem}` }
  const { cosignatures } = cosigned
  if (cosignatures.length < witnesses.quorum) {
    const count = `${cosignatures.length} of ${witnesses.quorum} witnesses`
    return { ok: false, problem: `${count} have signed its checkpoint` }
  }
  const { origin, size } = checkpoint
  return { ok: true, origin, index: Number(index), size, line: line.toString(), cosignatures }
}

function lastCosigned(directory: string, { witnesses, quorum }: WitnessPolicy): string | undefined {
  const isCosigned = (note: string): boolean => {
    const by = cosignaturesOn(note, witnesses)
    return by.ok && by.cosignatures.length >= quorum
  }
  const newest = checkpointText(directory)
  if (newest !== undefined && isCosigned(newest)) return newest
  let last: string | undefined
  for (const { note } of pastNotes(directory)) {
    if (note !== undefined && isCosigned(note)) last = note
  }
  return last
}

function indexOf(directory: string, event: string): number {
  let stubs = 0
  for (const { index, bytes } of countedLines(directory)) {
    if (stubIn(bytes) !== undefined) stubs++
    // To read each line as JSON would take ten times as long.
    if (!bytes.includes(event)) continue
    const line = parseLine(bytes)
    if (line?.kind === 'event' && line.event.id === event) return index
  }
  const perhaps = stubs === 0 ? '' : ` It may be one of ${stubs} lines that are retired.`
  throw new SessionError('not_found', `There is no event ${event} in ${directory}.${perhaps}`)
}

function gone({ index, by, leaf }: StubContent & { readonly index: number }): SessionError {
  return new SessionError(
    'not_found',
    `Line ${index} is retired, and its text is gone: line ${by} says why. Its leaf hash, ` +
      `${leaf}, still proves the other lines.`,
  )
}

function changed(directory: string): SessionError {
  return new SessionError(
    'record_invalid',
    `The lines in ${directory} are not those of its last checkpoint. "holdfast audit verify DIR" ` +
      'says what was changed.',
  )
}
