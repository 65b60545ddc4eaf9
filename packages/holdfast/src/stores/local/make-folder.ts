import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder and those above it, one after the other. Node's own recursion never ends below a
 * folder that takes none, such as `/proc`.
 */
export function makeFolder(path: string, mode = 0o777): void {
  const whole = resolve(path)
  if (existsSync(whole)) return
  makeFolder(dirname(whole), mode)
  try {
    mkdirSync(whole, { mode })
  } catch (error) {
    // Another process that begins has made it.
    if (!existsSync(whole)) throw error
  }
}
