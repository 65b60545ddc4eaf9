import { randomBytes } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SessionError } from 'holdfast'
import { makeFolder } from 'holdfast/cli'
import { type DownloadProblem, download, isAllowedUrl } from './download.ts'
import { type GeoRecordFile, isThere, readRecord, writeRecord } from './record.ts'

/** Where DB-IP publishes its free data, a new edition each month. */
export const DB_IP = 'https://download.db-ip.com/free'

const EDITIONS = [
  { role: 'city', edition: 'dbip-city-lite', name: 'dbip-city-lite.mmdb' },
  { role: 'asn', edition: 'dbip-asn-lite', name: 'dbip-asn-lite.mmdb' },
] as const

const TERMS = {
  source: 'DB-IP Lite',
  licence: 'CC BY 4.0',
  licenceUrl: 'https://creativecommons.org/licenses/by/4.0/',
  attribution: 'IP Geolocation by DB-IP',
  attributionUrl: 'https://db-ip.com',
} as const

export interface UpdateOptions {
  /** Base address: https, or this machine. Default {@link DB_IP}. */
  readonly from?: string | undefined
  /** The folder; made when it is not there. Names in it stay the same from edition to edition. */
  readonly into: string
  /** `YYYY-MM`. Default: the current month, or the one before while there is no newer edition. */
  readonly month?: string | undefined
  readonly fetch?: typeof globalThis.fetch | undefined
  readonly now: () => number
  readonly onProgress?: ((progress: UpdateProgress) => void) | undefined
  /** Most bytes of an unpacked file (default 1 GiB). */
  readonly maxBytes?: number | undefined
  /** Longest time for a file, ms (default 15 min). */
  readonly timeoutMs?: number | undefined
}

export interface UpdateProgress {
  readonly url: string
  /** Bytes as they travel, packed. */
  readonly received: number
}

export type Updated =
  | {
      readonly ok: true
      /** False: this edition was here already, nothing was fetched. */
      readonly changed: boolean
      readonly files: readonly GeoRecordFile[]
    }
  | { readonly ok: false; readonly problem: DownloadProblem; readonly message: string }

/**
 * Fetches the current DB-IP Lite city and ASN files. Both are fetched, unpacked, opened and checked
 * before either replaces its predecessor, each in one step, so that a running service never reads
 * half a file. Then licence, attribution, date and SHA-256 are written to `geo.json`. A missing,
 * incomplete or broken download is a value and changes nothing; `config_invalid` is thrown for
 * options and folders that do not work.
 */
export async function updateGeo(options: UpdateOptions): Promise<Updated> {
  const { into, now, from = DB_IP } = options
  if (!isAllowedUrl(from)) {
    throw new SessionError(
      'config_invalid',
      `The address ${from} must be https, or http on this machine`,
    )
  }
  const months = monthsOf(options)
  await prepare(into, now())
  const known = (await readRecord(into))?.files ?? []

  const fetched: Fetched[] = []
  try {
    for (const kind of EDITIONS) {
      const result = await newest(options, { ...kind, from, months, known })
      if (!result.ok) return result
      fetched.push(result)
    }
    const changed = fetched.some(({ part }) => part !== undefined)
    const files = fetched.map(({ file }) => file)
    for (const { part, file } of fetched) {
      if (part !== undefined) await rename(part, join(into, file.name))
    }
    if (changed) await writeRecord(into, { format: 1, ...TERMS, fetchedAt: now(), files })
    return { ok: true, changed, files }
  } finally {
    for (const { part } of fetched) if (part !== undefined) await rm(part, { force: true })
  }
}

interface Fetched {
  readonly ok: true
  readonly file: GeoRecordFile
  /** The unpacked file, until it is put in its place; undefined when the one in place is it. */
  readonly part: string | undefined
}

interface Wanted {
  readonly role: GeoRecordFile['role']
  readonly edition: string
  readonly name: string
  readonly from: string
  readonly months: readonly string[]
  readonly known: readonly GeoRecordFile[]
}

async function newest(
  { into, fetch, onProgress, maxBytes = 2 ** 30, timeoutMs = 900_000 }: UpdateOptions,
  { role, edition, name, from, months, known }: Wanted,
): Promise<Fetched | Extract<Updated, { ok: false }>> {
  let refusal: Extract<Updated, { ok: false }> | undefined
  for (const month of months) {
    const url = `${from.replace(/\/+$/, '')}/${edition}-${month}.mmdb.gz`
    const current = known.find((file) => file.name === name && file.url === url)
    if (current !== undefined && (await isThere(into, current))) {
      return { ok: true, file: current, part: undefined }
    }
    const part = join(into, `${name}.${randomBytes(6).toString('hex')}${PART}`)
    let kept = false
    try {
      const result = await download({
        url,
        role,
        path: part,
        fetch: fetch ?? ((...call) => globalThis.fetch(...call)),
        maxBytes,
        timeoutMs,
        onBytes: (received) => onProgress?.({ url, received }),
      })
      if (result.ok) {
        kept = true
        const { bytes, sha256, type, builtAt } = result
        return { ok: true, part, file: { role, name, month, url, bytes, sha256, type, builtAt } }
      }
      refusal ??= result
      if (result.problem !== 'not_found') return result
    } finally {
      if (!kept) await rm(part, { force: true })
    }
  }
  return refusal ?? { ok: false, problem: 'not_found', message: `${from} has no ${edition}` }
}

const PART = '.part'
const ABANDONED_MS = 86_400_000

/** Makes the folder, and clears away what updates that were killed left behind. */
async function prepare(folder: string, now: number): Promise<void> {
  try {
    makeFolder(folder)
    for (const name of await readdir(folder)) {
      if (!name.endsWith(PART)) continue
      const path = join(folder, name)
      if (now - (await stat(path)).mtimeMs > ABANDONED_MS) await rm(path, { force: true })
    }
  } catch (cause) {
    throw new SessionError('config_invalid', `The folder ${folder} cannot be used for geo data`, {
      cause,
    })
  }
}

function monthsOf({ month, now }: UpdateOptions): readonly string[] {
  if (month === undefined) {
    const date = new Date(now())
    const previous = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1, 1))
    return [date, previous].map((it) => it.toISOString().slice(0, 7))
  }
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) return [month]
  throw new SessionError('config_invalid', `The month ${month} must be written as 2026-06`)
}
