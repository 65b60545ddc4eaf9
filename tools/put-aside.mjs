import { existsSync, renameSync, rmSync } from 'node:fs'

/**
 * Moves a folder out of the way, so that a program begins anew in its place. One earlier copy is
 * kept: an older one makes room. The new path; undefined where there was nothing to move.
 */
export function putAside(folder) {
  if (!existsSync(folder)) return undefined
  const aside = `${folder}-before`
  rmSync(aside, { recursive: true, force: true })
  renameSync(folder, aside)
  return aside
}
