import { readFileSync, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { SessionError } from '../core/errors.ts'

/** A file whose content is in use, and stays so while a newer one is not sound. */
export interface DataFile<T> {
  /** Undefined: nothing was ever loaded. */
  current(): T | undefined
  load(): void
  /** True when another content is in use now. Lets others have their turn while it reads. */
  reload(): Promise<boolean>
}

/** How a file is read, and who hears of what is wrong with it. */
export interface DataFileOptions<T> {
  /** As the problems name it: `geo data file`. */
  readonly name: string
  /** What is unknown while nothing is loaded. */
  readonly without: string
  /** What to do, as a sentence. */
  readonly mend: string
  /**
   * Pauses where it yields. The message of a `SessionError` continues a sentence that begins with
   * the name of the file.
   */
  readonly parse: (bytes: Uint8Array) => Generator<void, T>
  /** `missing`: not there or not readable. `broken`: not sound. */
  readonly report: (kind: 'missing' | 'broken', message: string) => void
}

/** Nothing is loaded yet. */
export function dataFile<T>(path: string, options: DataFileOptions<T>): DataFile<T> {
  const { name, without, mend, parse, report } = options
  let content: T | undefined
  /** Of the last file that was tried, good or bad; each is tried and complained about once. */
  let stamp = ''

  function say(kind: 'missing' | 'broken', what: string): void {
    const instead = content === undefined ? without : 'the one read before stays in use'
    report(kind, `The ${name} ${path} ${what}; ${instead}. ${mend}`)
  }

  function broken(error: unknown): false {
    say('broken', error instanceof SessionError ? error.message : 'is not sound')
    return false
  }

  function missing(error: unknown): false {
    const code = codeOf(error)
    if (stamp !== code) say('missing', `cannot be read (${code})`)
    stamp = code
    return false
  }

  function take(parsed: T): true {
    content = parsed
    return true
  }

  return {
    current: () => content,
    load() {
      let bytes: Uint8Array
      try {
        stamp = stampOf(statSync(path))
        bytes = readFileSync(path)
      } catch (error) {
        missing(error)
        return
      }
      try {
        take(drained(parse(bytes)))
      } catch (error) {
        broken(error)
      }
    },
    async reload() {
      let bytes: Uint8Array
      try {
        const found = stampOf(await stat(path))
        if (found === stamp) return false
        bytes = await readFile(path)
        // Still being written: the next check sees it whole.
        if (stampOf(await stat(path)) !== found) return false
        stamp = found
      } catch (error) {
        return missing(error)
      }
      try {
        return take(await drainedSlowly(parse(bytes)))
      } catch (error) {
        return broken(error)
      }
    },
  }
}

/** The result of a parser that may pause, without pauses. */
export function drained<T>(parsing: Generator<void, T>): T {
  for (;;) {
    const step = parsing.next()
    if (step.done) return step.value
  }
}

async function drainedSlowly<T>(parsing: Generator<void, T>): Promise<T> {
  for (;;) {
    const step = parsing.next()
    if (step.done) return step.value
    await setImmediate()
  }
}

interface FileFacts {
  readonly mtimeMs: number
  readonly size: number
  readonly ino: number
}

function stampOf({ mtimeMs, size, ino }: FileFacts): string {
  return `${mtimeMs} ${size} ${ino}`
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'unknown error'
}
