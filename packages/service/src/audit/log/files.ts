import { renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { SessionError } from 'holdfast'
import { syncFolder } from 'holdfast/cli'

/** The key of the notes, where it is made inside the directory. */
export const NOTE_KEY = 'note.key'

/** What the system says of a disk becomes `store_unavailable`. Our own errors stay as they are. */
export function ioFault<T>(directory: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof SessionError || !(cause instanceof Error) || !('code' in cause))
      throw cause
    throw new SessionError(
      'store_unavailable',
      `The audit log in ${directory} cannot be written (${cause.code}). Events wait in the store ` +
        'meanwhile: make room on its disk, or give this user the right to write there.',
      { cause },
    )
  }
}

/** In one step: a reader has the old text or the new one, also after a power failure. */
export function replaceFile(path: string, text: string, writer: number): void {
  const fresh = `${path}.${writer}.new`
  writeFileSync(fresh, text, { mode: 0o600, flush: true })
  renameSync(fresh, path)
  syncFolder(dirname(path))
}
