import { readFileSync, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Place } from '../core/lookup.ts'
import type { Address } from './address.ts'
import { type MmdbFile, openMmdb } from './mmdb-file.ts'

/** What is wrong with a geo file, and what to do. */
export interface GeoProblem {
  /** `none`: no file is configured. `missing`: not there or not readable. `broken`: not sound; the one before stays in use. */
  readonly kind: 'none' | 'missing' | 'broken'
  readonly file: string | null
  /** What is wrong and what to do. */
  readonly message: string
}

/** An MMDB file that was configured, and what is loaded of it. */
export interface GeoFile {
  readonly path: string
  readonly role: 'city' | 'asn'
  /** Null: not loaded, because it is missing or broken. */
  readonly loaded: { readonly type: string; readonly builtAt: number } | null
}

/** One configured file: what it answers now, and how it is read again. */
export interface FileSource {
  load(): void
  /** True when another file is in use now. */
  reload(): Promise<boolean>
  find(address: Address): Place | undefined
  describe(): GeoFile
}

/** Nothing is loaded yet, so nothing is known. */
export function fileSource(
  path: string,
  role: GeoFile['role'],
  onProblem: (problem: GeoProblem) => void,
): FileSource {
  let file: MmdbFile | undefined
  /** Of the last file that was tried, good or bad; each is tried and complained about once. */
  let stamp = ''
  let recordReported = false

  function report(kind: GeoProblem['kind'], what: string): void {
    onProblem({ kind, file: path, message: `The geo data file ${path} ${what}.` })
  }

  function instead(): string {
    return file === undefined
      ? `what it would tell (${role}) is unknown`
      : 'the one read before stays in use'
  }

  function take(bytes: Uint8Array): boolean {
    try {
      file = openMmdb(bytes)
      recordReported = false
      return true
    } catch {
      report('broken', `is not a sound MMDB file; ${instead()}`)
      return false
    }
  }

  function missing(error: unknown): false {
    const code = codeOf(error)
    if (stamp !== code) report('missing', `cannot be read (${code}); ${instead()}`)
    stamp = code
    return false
  }

  return {
    load() {
      try {
        stamp = stampOf(statSync(path))
        take(readFileSync(path))
      } catch (error) {
        missing(error)
      }
    },
    async reload() {
      try {
        const found = stampOf(await stat(path))
        if (found === stamp) return false
        const bytes = await readFile(path)
        // Still being written: the next check sees it whole.
        if (stampOf(await stat(path)) !== found) return false
        stamp = found
        return take(bytes)
      } catch (error) {
        return missing(error)
      }
    },
    find(address) {
      try {
        return file?.find(address)
      } catch {
        if (!recordReported)
          report('broken', 'has records that cannot be read; their addresses are unknown')
        recordReported = true
        return undefined
      }
    },
    describe: () => ({
      path,
      role,
      loaded: file === undefined ? null : { type: file.type, builtAt: file.builtAt },
    }),
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
