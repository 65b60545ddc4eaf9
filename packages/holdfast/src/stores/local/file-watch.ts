import { watch } from 'node:fs'

/**
 * Calls `changed` when any process has written to a file; what it returns ends that. A wake-up and no more: where the
 * file cannot be watched, or the system loses a change, nothing is told. Keeps no process alive.
 */
export function onFileChange(path: string, changed: () => void): () => void {
  try {
    const watcher = watch(path, { persistent: false }, () => changed())
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch {
    // the system has no watch left to give: whoever asked has to look by itself
    return () => {}
  }
}
