import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SessionError } from '../../core/errors.ts'
import { makeFolder } from '../../stores/local/make-folder.ts'
import { HOME, type NewFile } from './files.ts'

/**
 * Writes all of them, or none: throws `config_invalid` that names each one that is there already.
 */
export function writeFiles(directory: string, files: readonly NewFile[]): void {
  const there = files.filter(({ path }) => existsSync(join(directory, path)))
  if (there.length > 0) {
    const names = there.map(({ path }) => path).join(', ')
    throw new SessionError(
      'config_invalid',
      `Nothing was written, because these files are there already: ${names}. ` +
        'Take them away, or name another directory with --dir.',
    )
  }
  makeFolder(join(directory, HOME), 0o700)
  chmodSync(join(directory, HOME), 0o700)
  for (const { path, text, secret = false } of files) {
    const whole = join(directory, path)
    makeFolder(dirname(whole))
    writeFileSync(whole, text, { flag: 'wx', mode: secret ? 0o600 : 0o644 })
  }
}

/** Adds the line to `.gitignore`, unless it is there. True where it was added. */
export function ignoreHome(directory: string): boolean {
  const path = join(directory, '.gitignore')
  const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const lines = before.split('\n').map((line) => line.trim().replace(/^\/|\/$/g, ''))
  if (lines.includes(HOME)) return false
  appendFileSync(path, `${before === '' || before.endsWith('\n') ? '' : '\n'}${HOME}/\n`)
  return true
}
