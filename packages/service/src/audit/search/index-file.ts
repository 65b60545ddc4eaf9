import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Database, isOpenElsewhere, openDatabase, readOnce } from '../database.ts'
import { type EventIndex, type EventIndexOptions, openIndex } from './event-index.ts'

/** Its name in the directory of the log. */
export const INDEX_FILE = 'index.sqlite'

/** An index in a file of its own. */
export interface OpenedIndex {
  readonly database: Database
  readonly index: EventIndex
  /** Where a damaged file lies now. The index is empty then, and wants the log from the start. */
  readonly putAside: string | null
}

/**
 * Opens the index in a file, or begins a new one. A file that is no index, or a damaged one, is put
 * aside: nothing in it is lost, because all of it comes from the log.
 */
export function openIndexFile(path: string, options: EventIndexOptions): OpenedIndex {
  try {
    return { ...open(path, options), putAside: null }
  } catch (error) {
    if (!isDamage(error)) throw error
    return renewIndexFile(path, options)
  }
}

/** Puts the file of an index aside, which nobody here has open, and begins a new one. */
export function renewIndexFile(path: string, options: EventIndexOptions): OpenedIndex {
  const putAside = `${path}.damaged-${options.now()}`
  for (const suffix of SUFFIXES) {
    if (existsSync(path + suffix)) renameSync(path + suffix, putAside + suffix)
  }
  return { ...open(path, options), putAside }
}

/** The next line of the log that the index in a file wants; 0 without one. Changes nothing. */
export function indexedTo(path: string): number {
  if (!existsSync(path)) return 0
  try {
    return Number(
      readOnce(path, "SELECT value FROM search_state WHERE name = 'cursor'")?.value ?? 0,
    )
  } catch (error) {
    if (isDamage(error)) return 0
    throw error
  }
}

const SUFFIXES = ['', '-wal', '-shm']

/**
 * Removes the file of an index: who writes the log makes it anew at its start. `in_use`: another
 * process has it open, and would go on with a file that no other one sees.
 */
export function removeIndexFile(path: string): 'removed' | 'absent' | 'in_use' {
  if (!existsSync(path)) return 'absent'
  try {
    if (isOpenElsewhere(path)) return 'in_use'
  } catch (error) {
    if (!isDamage(error)) throw error
  }
  for (const suffix of SUFFIXES) rmSync(path + suffix, { force: true })
  return 'removed'
}

/** Removes what was put aside: it may tell of who is to be forgotten. */
export function removePutAside(path: string): void {
  const beginning = `${basename(path)}.damaged-`
  for (const name of readdirSync(dirname(path))) {
    if (name.startsWith(beginning)) rmSync(join(dirname(path), name), { force: true })
  }
}

function open(path: string, options: EventIndexOptions): Omit<OpenedIndex, 'putAside'> {
  const database = openDatabase(path)
  try {
    const index = openIndex(database, options)
    checkBeginnings(database)
    return { database, index }
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Reads the first page of each table and index. Damage further down shows when it is read:
 * {@link isDamage}.
 */
function checkBeginnings(database: Database): void {
  for (const { name } of database.all("SELECT name FROM sqlite_master WHERE type = 'table'")) {
    database.all(`SELECT COUNT(*) FROM (SELECT 1 FROM "${String(name)}" LIMIT 1)`)
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB, and a table that should be there. */
export function isDamage(error: unknown): boolean {
  return (
    error instanceof Error && /malformed|not a database|no such (table|column)/.test(error.message)
  )
}
