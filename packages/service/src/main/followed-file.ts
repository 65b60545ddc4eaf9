import { type FileHandle, open } from 'node:fs/promises'

/** A file of keys that a running service takes up when it changes. */
export interface FollowedFile<T> {
  /** What the file held when it last made sense. */
  current(): T
  close(): void
}

/** Which file is followed, and who hears of it. */
export interface Following<T> {
  /** Undefined: there is no file, and nothing will change. */
  readonly path: string | undefined
  readonly everyMs: number
  parse(text: string): T
  format(value: T): string
  /** Throws when a file that can be read must not take the place of what is in use. */
  check(fresh: T, before: T): void
  changed(fresh: T): void
  /** Once for each state of the file. What is in use stays in use. */
  failed(error: unknown): void
}

/**
 * Polls a file: a notification would miss the swapped symlinks of a Kubernetes secret and the
 * renames of an editor. Does not keep the process alive.
 */
export function followFile<T>(first: T, following: Following<T>): FollowedFile<T> {
  const { path, everyMs } = following
  let current = first
  let seen = ''
  let busy = false
  let closed = false

  async function look(file: string): Promise<void> {
    const text = await readNew(file)
    if (text === undefined || closed) return
    const fresh = following.parse(text)
    if (following.format(fresh) === following.format(current)) return
    following.check(fresh, current)
    current = fresh
    following.changed(fresh)
  }

  /**
   * Undefined where the file has not changed. Both state and content come from the same open file,
   * even if it is renamed meanwhile.
   */
  async function readNew(file: string): Promise<string | undefined> {
    let opened: FileHandle
    try {
      opened = await open(file)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      if (code === seen) return undefined
      seen = code
      throw error
    }
    try {
      const { dev, ino, size, mtimeNs } = await opened.stat({ bigint: true })
      const stamp = [dev, ino, size, mtimeNs].join(' ')
      if (stamp === seen) return undefined
      seen = stamp
      return await opened.readFile('utf8')
    } finally {
      await opened.close()
    }
  }

  function lookOnce(file: string): void {
    if (busy) return
    busy = true
    look(file)
      .catch((error: unknown) => following.failed(error))
      .finally(() => {
        busy = false
      })
  }

  const timer = path === undefined ? undefined : setInterval(lookOnce, everyMs, path)
  timer?.unref()

  return {
    current: () => current,
    close() {
      closed = true
      clearInterval(timer)
    },
  }
}
