import { closeSync, fsyncSync, openSync } from 'node:fs'

/** What was made, renamed or deleted in a folder is so after a power failure, too. */
export function syncFolder(path: string): void {
  // Windows opens no folder, and keeps names without being asked.
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
