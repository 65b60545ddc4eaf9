import { fromBase64, type NoteSigner, type NoteVerifier, noteParts, openNote } from './note.ts'
import { HASH_BYTES, type Hash } from './tree.ts'

/** The head of a log: which, how many lines, and the root over them (C2SP tlog-checkpoint). */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Hash
}

export function signCheckpoint({ origin, size, root }: Checkpoint, signer: NoteSigner): string {
  return signer.sign(`${origin}\n${size}\n${root.toString('base64')}\n`)
}

/**
 * Reads a checkpoint and checks its signature; without verifiers it is only read. Extension lines
 * and the cosignatures of witnesses are passed over.
 */
export function openCheckpoint(
  note: string,
  verifiers: readonly NoteVerifier[] | undefined,
): (Checkpoint & { readonly ok: true }) | { readonly ok: false; readonly problem: string } {
  if (verifiers !== undefined) {
    const opened = openNote(note, verifiers)
    if (!opened.ok) return opened
  }
  const [origin = '', size = '', root = '', ...rest] = noteParts(note)?.text.split('\n') ?? []
  const hash = fromBase64(root)
  const isSize = /^(?:0|[1-9]\d{0,14})$/.test(size)
  // The text ends with a line feed, so what follows the last line is empty.
  if (origin === '' || !isSize || hash?.length !== HASH_BYTES || rest.pop() !== '') {
    return { ok: false, problem: 'it is not a checkpoint' }
  }
  if (rest.includes('')) return { ok: false, problem: 'it is not a checkpoint' }
  return { ok: true, origin, size: Number(size), root: hash }
}
