import { SessionError } from '../core/errors.ts'
import type { LookupResult } from '../core/lookup.ts'
import type { Address } from './address.ts'
import { dataFile } from './data-file.ts'
import { type MmdbFile, openMmdb } from './mmdb-file.ts'

/** What is wrong with a file of geo data or of networks, and what to do. */
export interface GeoProblem {
  /**
   * `none`: no file is configured. `missing`: not there or not readable. `broken`: not sound; the
   * previous data stays in use. `layout`: sound, and without the fields that it is there for; the
   * message names those that were looked for and those that are there.
   */
  readonly kind: 'none' | 'missing' | 'broken' | 'layout'
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
  find(address: Address): LookupResult | undefined
  describe(): GeoFile
}

const MEND = 'Fetch it again, as "holdfast geo update" does: it is read without a restart.'

/** Nothing is loaded yet, so nothing is known. */
export function fileSource(
  path: string,
  role: GeoFile['role'],
  onProblem: (problem: GeoProblem) => void,
): FileSource {
  /** The file about whose records a problem was told. */
  let reported: MmdbFile | undefined
  const data = dataFile<MmdbFile>(path, {
    name: 'geo data file',
    mend: MEND,
    without: `what it would tell (${role}) is unknown`,
    *parse(bytes) {
      const file = yield* opened(bytes)
      yield
      const problem = layoutProblem(file, role)
      if (problem !== undefined) {
        const message = `The geo data file ${path} (${file.type.slice(0, 64)}) ${problem}.`
        onProblem({ kind: 'layout', file: path, message })
      }
      return file
    },
    report: (kind, message) => onProblem({ kind, file: path, message }),
  })

  return {
    load: data.load,
    reload: data.reload,
    find(address) {
      const file = data.current()
      try {
        return file?.find(address)
      } catch {
        if (reported !== file) {
          const what = 'has records that cannot be read; their addresses are unknown'
          const message = `The geo data file ${path} ${what}. ${MEND}`
          onProblem({ kind: 'broken', file: path, message })
        }
        reported = file
        return undefined
      }
    },
    describe() {
      const file = data.current()
      return {
        path,
        role,
        loaded: file === undefined ? null : { type: file.type, builtAt: file.builtAt },
      }
    },
  }
}

/**
 * Throws where a record is broken on the way to the first that tells something: such a file must
 * not replace a good one. A record behind that is told of where an address leads to it.
 */
function layoutProblem(file: MmdbFile, role: GeoFile['role']): string | undefined {
  return whereSound(() => file.problem(role))
}

function* opened(bytes: Uint8Array): Generator<void, MmdbFile> {
  yield // reading the file was one step, looking into it is another
  return whereSound(() => openMmdb(bytes))
}

function whereSound<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new SessionError('config_invalid', 'is not a sound MMDB file', { cause })
  }
}
