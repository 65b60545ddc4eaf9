import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder and those above it, one after the other. Node's own recursion never ends below a
 * folder that takes none, such as `/proc`.
 */
export function makeFolder(path: string): void {
  const whole = resolve(path)
  if (existsSync(whole)) return
  makeFolder(dirname(whole))
  try {
    mkdirSync(whole)
  } catch (error) {
    // Another process that begins has made it.
    if (!existsSync(whole)) throw error
  }
}
