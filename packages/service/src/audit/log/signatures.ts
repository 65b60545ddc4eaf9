import { statSync } from 'node:fs'
import { join } from 'node:path'
import { cosignaturesOn, quorumAt, type WitnessPolicy } from '../witness/cosignature.ts'
import { type Checkpoint, openCheckpoint } from './checkpoint.ts'
import type { NoteVerifier } from './note.ts'
import { CHECKPOINT, CHECKPOINTS, checkpointText } from './recover.ts'
import { rawLines } from './segments.ts'
import type { Hash } from './tree.ts'
import type { Remarks } from './verdict.ts'

/** The checkpoints of a directory, held against the tree while it grows. */
export interface Signatures {
  /** The origin of the log is known from its first segment. */
  origin(origin: string): void
  /** The tree at a size. `trusted`: its lines had no fault that explains another root. */
  reached(size: number, root: () => Hash, trusted: boolean): void
  /** All lines are read. Answers the largest sizes that are signed. */
  end(size: number): SignedSizes
}

/** How many lines are signed by the log, and by enough witnesses; since when the latter says. */
export interface SignedSizes {
  readonly signed: number
  readonly cosigned: number
  /** When the newest of these witnesses signed; null where none did. */
  readonly cosignedAt: number | null
}

/** A checkpoint that counts. `cosignedAt` where enough witnesses have signed it. */
interface Signed extends Checkpoint {
  readonly cosignedAt?: number
}

/** `against`: another checkpoint of the same log, from elsewhere. */
export function signatures(
  directory: string,
  remarks: Remarks,
  options: {
    verifiers: readonly NoteVerifier[] | undefined
    against: Checkpoint | undefined
    witnesses: WitnessPolicy | undefined
  },
): Signatures {
  const { verifiers, against, witnesses } = options
  const newestPath = join(directory, CHECKPOINT)
  const historyPath = join(directory, CHECKPOINTS)
  let origin: string | undefined
  let signed = 0
  let cosigned = 0
  let cosignedAt: number | null = null
  let isNewestKept = false

  // Read before the lines, so that a log that grows meanwhile has all lines of them.
  const text = checkpointText(directory)
  const single: { readonly file: string; readonly checkpoint: Signed }[] = []
  const newest = text === undefined ? undefined : opened(text, newestPath, null)
  if (newest !== undefined) single.push({ file: newestPath, checkpoint: newest })
  const history = pastCheckpoints()
  let past = history.next().value
  const isUnsigned = text === undefined && past === undefined

  function opened(note: string, file: string, line: number | null): Signed | undefined {
    const checkpoint = openCheckpoint(note, verifiers)
    if (!checkpoint.ok) return doesNotCount(checkpoint.problem)
    if (witnesses === undefined) return checkpoint
    const by = cosignaturesOn(note, witnesses.witnesses)
    if (!by.ok) return doesNotCount(by.problem)
    const at = quorumAt(by.cosignatures, witnesses.quorum)
    return at === undefined ? checkpoint : { ...checkpoint, cosignedAt: at }

    function doesNotCount(problem: string): undefined {
      const message = `this checkpoint does not count: ${problem}`
      remarks.fault('checkpoint_invalid', file, line, message)
    }
  }

  function* pastCheckpoints(): Generator<{ checkpoint: Signed; line: number }, undefined> {
    for (const { note, number, isWhole } of pastNotes(directory)) {
      if (note === undefined) {
        // A killed writer leaves half a line, and the next one begins a line of its own.
        if (isWhole) {
          remarks.note('not_counted', historyPath, number, 'this is no checkpoint, or half of one')
        }
        continue
      }
      const checkpoint = opened(note, historyPath, number)
      if (checkpoint !== undefined) yield { checkpoint, line: number }
    }
  }

  function compare(
    { checkpoint, file, line }: { checkpoint: Signed; file: string; line: number | null },
    { root, trusted }: { root: () => Hash; trusted: boolean },
  ): void {
    if (checkpoint.origin !== origin) {
      remarks.fault(
        'checkpoint_invalid',
        file,
        line,
        `it is of another log, "${checkpoint.origin}"`,
      )
    } else if (root().equals(checkpoint.root)) {
      signed = Math.max(signed, checkpoint.size)
      if (checkpoint.cosignedAt !== undefined) {
        cosigned = Math.max(cosigned, checkpoint.size)
        cosignedAt = Math.max(cosignedAt ?? 0, checkpoint.cosignedAt)
      }
    } else if (trusted) {
      const since = signed === 0 ? 'the beginning' : `line ${signed} of the log`
      const message = `between ${since} and line ${checkpoint.size - 1} something was edited`
      remarks.fault('root_differs', file, line, `${message}: the signed root is another`)
    }
  }

  return {
    origin(named) {
      origin = named
      if (against?.origin === named) single.push({ file: AGAINST, checkpoint: against })
    },

    reached(size, root, trusted) {
      for (const { file, checkpoint } of single) {
        if (checkpoint.size === size) compare({ checkpoint, file, line: null }, { root, trusted })
      }
      for (; past !== undefined && past.checkpoint.size <= size; past = history.next().value) {
        const at = { ...past, file: historyPath }
        if (past.checkpoint.size === newest?.size) isNewestKept = true
        if (past.checkpoint.size === size) compare(at, { root, trusted })
        else remarks.note('not_compared', historyPath, past.line, 'an older checkpoint comes late')
      }
    },

    end(size) {
      const last = past === undefined ? [] : [{ file: historyPath, checkpoint: past.checkpoint }]
      for (const { file, checkpoint } of [...single, ...last]) {
        if (checkpoint.size <= size) continue
        const lines = `${checkpoint.size} lines were signed, and ${size} are there`
        remarks.fault('truncated', file, null, `${lines}: the end of the log is missing`)
      }
      if (witnesses !== undefined) lookForWitnesses()
      return { signed, cosigned, cosignedAt }
    },
  }

  /** Somebody who writes history anew leaves out what witnesses have signed of it. */
  function lookForWitnesses(): void {
    if (newest !== undefined && !isNewestKept) {
      const message = 'the newest checkpoint is not among them: some of them are missing'
      remarks.fault('checkpoint_missing', historyPath, null, message)
    }
    if (cosigned > 0 || witnesses === undefined) return
    const { quorum, witnesses: named } = witnesses
    const message = isUnsigned
      ? 'it has no checkpoint yet that a witness could sign: the service makes one a minute'
      : `no checkpoint of it has the signatures of ${quorum} of the ${named.length} witnesses`
    remarks.fault('not_witnessed', directory, null, message)
  }
}

/** All notes of a directory, oldest first. `note` is undefined for what is none. */
export function* pastNotes(
  directory: string,
): Generator<
  { readonly note: string | undefined; readonly number: number; readonly isWhole: boolean },
  undefined
> {
  const path = join(directory, CHECKPOINTS)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  for (const { bytes, number, whole } of rawLines(path, { bytes: stat.size })) {
    yield { note: noteIn(bytes), number, isWhole: whole && bytes.length > 0 }
  }
}

/** What stands for the file of a checkpoint that was given. */
export const AGAINST = 'the checkpoint to compare with'

function noteIn(bytes: Buffer): string | undefined {
  try {
    const json: unknown = JSON.parse(bytes.toString())
    if (typeof json !== 'object' || json === null || !('note' in json)) return undefined
    return typeof json.note === 'string' ? json.note : undefined
  } catch {
    return undefined // the caller tells of it
  }
}
