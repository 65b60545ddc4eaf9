import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SessionError } from 'holdfast'

/** What {@link updateGeo} notes beside the files: where they are from and on what terms. */
export interface GeoRecord {
  readonly format: 1
  readonly source: string
  readonly licence: string
  readonly licenceUrl: string
  /** Must be shown, as a link to `attributionUrl`, on pages that show places. */
  readonly attribution: string
  readonly attributionUrl: string
  /** ms since the epoch. */
  readonly fetchedAt: number
  readonly files: readonly GeoRecordFile[]
}

export interface GeoRecordFile {
  readonly role: 'city' | 'asn'
  /** Name within the folder. */
  readonly name: string
  /** Edition, for example `2026-06`. */
  readonly month: string
  readonly url: string
  readonly bytes: number
  readonly sha256: string
  readonly type: string
  /** When its maker built it, ms since the epoch. */
  readonly builtAt: number
}

export interface GeoStatus {
  readonly record: GeoRecord
  /** Of the oldest file, since its maker built it, ms. */
  readonly ageMs: number
  /** Older than 45 days: there has been a newer edition for a while. */
  readonly stale: boolean
  /** Files of the record that are not there or have another size. */
  readonly missing: readonly string[]
}

const RECORD = 'geo.json'
const STALE_MS = 45 * 86_400_000

/** How old the data in a folder is. Undefined when `holdfast geo update` has never filled it. */
export async function geoStatus(folder: string, now: number): Promise<GeoStatus | undefined> {
  const record = await readRecord(folder)
  if (record === undefined) return undefined
  const ageMs = Math.max(0, now - Math.min(...record.files.map(({ builtAt }) => builtAt)))
  const missing: string[] = []
  for (const file of record.files) {
    if (!(await isThere(folder, file))) missing.push(file.name)
  }
  return { record, ageMs, stale: ageMs > STALE_MS, missing }
}

/** Undefined when there is none; throws `config_invalid` when it is not one of ours. */
export async function readRecord(folder: string): Promise<GeoRecord | undefined> {
  const path = join(folder, RECORD)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new SessionError('config_invalid', `${path} cannot be read`, { cause: error })
  }
  const record = parseJson(text)
  if (isRecord(record)) return record
  throw new SessionError(
    'config_invalid',
    `${path} is not a record of "holdfast geo update"; delete it and update again`,
  )
}

export async function writeRecord(folder: string, record: GeoRecord): Promise<void> {
  const path = join(folder, RECORD)
  const unfinished = `${path}.${process.pid}.part`
  await writeFile(unfinished, `${JSON.stringify(record, null, 2)}\n`)
  await rename(unfinished, path)
}

export async function isThere(folder: string, file: GeoRecordFile): Promise<boolean> {
  try {
    return (await stat(join(folder, file.name))).size === file.bytes
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw new SessionError('config_invalid', `${join(folder, file.name)} cannot be read`, {
      cause: error,
    })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is GeoRecord {
  if (!isObject(value) || value.format !== 1) return false
  const texts = [value.source, value.licence, value.licenceUrl, value.attribution]
  if (![...texts, value.attributionUrl].every((text) => typeof text === 'string')) return false
  if (!Number.isSafeInteger(value.fetchedAt)) return false
  return Array.isArray(value.files) && value.files.length > 0 && value.files.every(isFile)
}

function isFile(value: unknown): value is GeoRecordFile {
  if (!isObject(value) || (value.role !== 'city' && value.role !== 'asn')) return false
  const { name, month, url, sha256, type, bytes, builtAt } = value
  if (![month, url, sha256, type].every((text) => typeof text === 'string')) return false
  if (typeof name !== 'string' || !/^[\w-]+\.mmdb$/.test(name)) return false
  return Number.isSafeInteger(bytes) && Number.isSafeInteger(builtAt)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
