import { join } from 'node:path'
import { getMigrations } from 'better-auth/db/migration'
import { contend } from '../contender-process.ts'
import { authOptions, authRows } from './better-auth.ts'
import { AUTH_SQLITE } from './names.ts'

await contend(async ({ folder }) => {
  const sqlite = await import('better-sqlite3').catch(() => undefined)
  if (sqlite === undefined) return { absent: ABSENT }
  const database = new sqlite.default(join(folder, 'auth.sqlite'))
  database.pragma('journal_mode = WAL')
  const options = authOptions({ database })
  await (await getMigrations(options)).runMigrations()
  return authRows(AUTH_SQLITE, options)
})

const ABSENT =
  'better-sqlite3 is not there: npm could not build it. It needs make, a C++ compiler and Python. ' +
  'Remove bench/peers/node_modules to try again'
