import { statSync } from 'node:fs'
import { SessionError } from 'holdfast'
import type { WitnessPolicy } from '../witness/cosignature.ts'
import { openCheckpoint } from './checkpoint.ts'
import { findHoles } from './coverage.ts'
import { noteVerifier } from './note.ts'
import { compareOverlaps } from './overlaps.ts'
import { segmentNumbers, segmentPath } from './segments.ts'
import { AGAINST } from './signatures.ts'
import { type Remark, remarks } from './verdict.ts'
import { type DirectoryFacts, verifyDirectory } from './verify-directory.ts'

/** What there is to say of an audit log. */
export interface AuditVerdict {
  /** Nothing was changed, and nothing is missing. */
  readonly ok: boolean
  readonly directories: readonly DirectoryFacts[]
  readonly faults: readonly Remark[]
  readonly notes: readonly Remark[]
  /** Remarks beyond the first thousand. */
  readonly leftOut: number
}

export interface VerifyOptions {
  /** Of the keys that sign checkpoints. Without any the signatures are not checked. */
  readonly verifierKeys?: readonly string[]
  /** A checkpoint of one of the logs, kept elsewhere: what it covers must be there still. */
  readonly against?: string
  /** Whose cosignatures are asked for. */
  readonly witnesses?: WitnessPolicy
  readonly onProgress?: (progress: { readonly bytes: number; readonly of: number }) => void
}

const PROGRESS_BYTES = 64 * 1_048_576

/**
 * Reads an audit log, or the parts of it that writers on several machines have, and names every
 * line that was deleted, edited, moved, doubled or cut off. Memory does not grow with the log.
 * Throws `invalid_input` where a directory cannot be read, or `against` is no good checkpoint.
 */
export function verifyAudit(
  directories: readonly string[],
  { verifierKeys, against, witnesses, onProgress = () => {} }: VerifyOptions = {},
): AuditVerdict {
  const verifiers = verifierKeys?.map(noteVerifier)
  const kept = against === undefined ? undefined : openCheckpoint(against, verifiers)
  if (kept?.ok === false) {
    throw new SessionError('invalid_input', `${AGAINST} cannot be used: ${kept.problem}.`)
  }
  const of = directories.map(bytesIn).reduce((sum, bytes) => sum + bytes, 0)
  let [bytes, told] = [0, 0]
  function onLine(read: number): void {
    bytes += read
    if (bytes < told + PROGRESS_BYTES) return
    told = bytes
    onProgress({ bytes, of })
  }

  const found = remarks()
  const options = { verifiers, against: kept, witnesses, onLine }
  const read = directories.map((directory) => verifyDirectory(directory, found, options))
  const facts = read.map((one) => one.facts)
  const covered = read.map((one) => one.covered)
  findHoles(covered, found)
  compareOverlaps(covered, found)
  if (kept !== undefined && facts.every(({ origin }) => origin !== kept.origin)) {
    const message = `none of the directories is the log "${kept.origin}"`
    found.fault('checkpoint_invalid', AGAINST, null, message)
  }
  if (verifiers === undefined) {
    const message = 'signatures were not checked: name the verifier key'
    found.note('signatures_unchecked', 'all checkpoints', null, message)
  }
  const { faults, notes } = found
  return { ok: faults.length === 0, directories: facts, faults, notes, leftOut: found.leftOut() }
}

function bytesIn(directory: string): number {
  try {
    return segmentNumbers(directory)
      .map((number) => statSync(segmentPath(directory, number)).size)
      .reduce((sum, size) => sum + size, 0)
  } catch (cause) {
    throw new SessionError('invalid_input', `The directory ${directory} cannot be read.`, { cause })
  }
}
