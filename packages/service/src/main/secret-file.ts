import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { SessionError } from 'holdfast'
import { makeFolder } from 'holdfast/cli'
import type { Logger } from 'pino'

/** What a file of secrets is called, and what to do where it is missing. */
export interface SecretFile {
  readonly path: string
  /** For the start of a sentence, for example `The key ring`. */
  readonly name: string
  readonly fix: string
}

/** A group may read: so Kubernetes mounts a Secret for a user that is not root. */
const OTHERS = 0o037

/**
 * The text of a file that this user alone should be able to read. Throws `config_invalid` when it
 * cannot be read.
 */
export function readSecretFile({ path, name, fix }: SecretFile, log: Logger): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SessionError('config_invalid', `${name} ${path} cannot be read. ${fix}`, { cause })
  }
  const mode = statSync(path).mode & OTHERS
  if (mode !== 0 && process.platform !== 'win32') {
    log.warn({ file: path }, `${name} can be read by others on this machine: chmod 600.`)
  }
  return text
}

/**
 * Two processes that start at once on one store must end with one file. Throws `config_invalid`
 * where it cannot be made.
 */
export function createOnce(path: string, text: string): void {
  try {
    makeFolder(dirname(path))
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return
    throw new SessionError(
      'config_invalid',
      `The file ${path} cannot be made. Name a folder that this user may write.`,
      { cause },
    )
  }
}
