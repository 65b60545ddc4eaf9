import { existsSync, readFileSync } from 'node:fs'
import { SessionError } from 'holdfast'

/** Keys that are named, one a line in a file or one as it is. Each counts once. */
export function keyTexts(given: string | undefined, name: string): readonly string[] | undefined {
  if (given === undefined) return undefined
  // A verifier key has two plus signs, and no file of one should.
  const isKey = given.split('+').length >= 3 && !existsSync(given)
  const lines = (isKey ? given : fileText(given, name)).split('\n').map((line) => line.trim())
  return [...new Set(lines.filter((line) => line !== ''))]
}

export function fileText(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SessionError('invalid_input', `${name} ${path} cannot be read.`, { cause })
  }
}
