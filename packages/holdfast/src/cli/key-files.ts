import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { SessionError } from '../core/errors.ts'
import type { Asked } from './command.ts'
import { syncFolder } from './sync-folder.ts'

/** What the commands about keys do with one kind of file. */
export interface KeyFileKind {
  /** Throws `config_invalid` when there is a file. */
  make(asked: Asked): Change
  add(text: string, asked: Asked): Change
  rotate(text: string, asked: Asked): Change
  status(text: string): Shown
}

/** The new text of a file, and what the command prints about it. */
export interface Change {
  readonly text: string
  readonly summary: string
  readonly value: object
}

/** Keys without their material. */
export interface Shown {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly keys: readonly object[]
}

/** Whether a file claims to hold signing keys. Anything else is read as a key ring. */
export function holdsSigningKeys(text: string): boolean {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null && 'kind' in json && json.kind === 'signing'
  } catch {
    return false // not JSON: the ring that is read next says so
  }
}

export function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SessionError('config_invalid', `${path} cannot be read.`, { cause })
  }
}

/**
 * In one step: a service that reads it meanwhile has the one or the other, also after a power
 * failure. Whoever may read the old file may read the new one: a service that could not would go on
 * with the old keys, beside records under the new one. Throws `config_invalid` before anything has
 * changed where that cannot be.
 */
export function replaceKeyFile(path: string, text: string): void {
  const target = realpathSync(path)
  const fresh = `${target}.new`
  rmSync(fresh, { force: true })
  try {
    writeAs(statSync(target), fresh, text)
    renameSync(fresh, target)
  } catch (cause) {
    rmSync(fresh, { force: true })
    throw new SessionError(
      'config_invalid',
      `${path} was not changed: no file with the same owner, group and mode could be made beside ` +
        'it. Run this as its owner, or as root.',
      { cause },
    )
  }
  syncFolder(dirname(target))
}

function writeAs(
  { mode, uid, gid }: { readonly mode: number; readonly uid: number; readonly gid: number },
  path: string,
  text: string,
): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    const own = statSync(path)
    if (own.uid !== uid || own.gid !== gid) fchownSync(file, uid, gid)
    fchmodSync(file, mode & 0o777)
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
