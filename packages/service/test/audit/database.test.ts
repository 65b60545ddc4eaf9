import { expect, test } from 'vitest'
import { openDatabase } from '../../src/audit/database.ts'

const TABLE = 'CREATE TABLE things (a INTEGER) STRICT; INSERT INTO things VALUES (1)'

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
