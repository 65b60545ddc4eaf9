import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { SessionError } from '../core/errors.ts'
import type { Asked } from './command.ts'

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

/** In one step: a service that reads it meanwhile has the one or the other. */
export function replaceKeyFile(path: string, text: string): void {
  const fresh = `${path}.new`
  writeFileSync(fresh, text, { mode: 0o600 })
  renameSync(fresh, path)
}
