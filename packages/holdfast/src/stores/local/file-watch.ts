import { watch } from 'node:fs'

/**
 * Calls `changed` when any process has written to a file, until the function that it returns is
 * called. A wake-up and no more: nothing is told of a change that the system loses, nor where the
 * file cannot be watched. Keeps no process alive.
 */
export function onFileChange(path: string, changed: () => void): () => void {
  try {
    const watcher = watch(path, { persistent: false }, () => changed())
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch {
    // The system has no watch left to give, so the caller's poll has to do.
    return () => {}
  }
}
