import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/audit/database.ts'
import { folder } from '../support.ts'

const TABLE = 'CREATE TABLE things (a INTEGER) STRICT; INSERT INTO things VALUES (1)'
/** As `PRAGMA synchronous` has it. */
const FULL = 2

test('each step of a migration runs once, also in a database that had the first ones', () => {
  const database = openDatabase(':memory:')

  database.migrate('things', [TABLE])
  database.migrate('things', [TABLE, 'ALTER TABLE things ADD b TEXT'])

  expect(database.all('SELECT * FROM things')).toEqual([{ a: 1, b: null }])
  database.close()
})

test('a migration that fails leaves nothing of itself', () => {
  const database = openDatabase(':memory:')

  expect(() => database.migrate('things', [TABLE, 'no such statement'])).toThrow('syntax error')

  expect(() => database.all('SELECT * FROM things')).toThrow('no such table')
  database.close()
})

test('a transaction that throws leaves the rows as they were', () => {
  const database = openDatabase(':memory:')
  database.migrate('things', [TABLE])

  const failed = (): void =>
    database.transaction(() => {
      database.run('INSERT INTO things VALUES (?)', [2])
      throw new Error('not after all')
    })

  expect(failed).toThrow('not after all')
  expect(database.all('SELECT * FROM things')).toEqual([{ a: 1 }])
  database.close()
})

test('a transaction that does not wait for the disk counts, and the next one waits again', () => {
  const path = join(folder(), 'things.sqlite')
  const database = openDatabase(path)
  const other = openDatabase(path)
  database.migrate('things', [TABLE])
  const synchronous = (): unknown => database.all('PRAGMA synchronous')[0]?.synchronous

  const insert = (): number => database.run('INSERT INTO things VALUES (2)')
  const failing = (): void => {
    insert()
    throw new Error('not after all')
  }
  database.transaction(insert, { sync: false })
  expect(() => database.transaction(failing, { sync: false })).toThrow('not after all')

  expect(other.all('SELECT * FROM things')).toEqual([{ a: 1 }, { a: 2 }])
  expect(synchronous()).toBe(FULL)
  for (const one of [database, other]) one.close()
})

test('its files are for their owner alone, wherever they are', () => {
  const path = join(folder(), 'things')
  const database = openDatabase(path)
  database.migrate('things', [TABLE])

  for (const suffix of ['', '-wal', '-shm'])
    expect(statSync(path + suffix).mode & 0o777, suffix).toBe(0o600)
  database.close()
})
