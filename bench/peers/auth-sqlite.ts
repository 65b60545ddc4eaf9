import { join } from 'node:path'
import { getMigrations } from 'better-auth/db/migration'
import { contend } from '../contender-process.ts'
import { authOptions, authRows } from './better-auth.ts'
import { AUTH_SQLITE } from './names.ts'

await contend(async ({ folder }) => {
  const database = await openSqlite(join(folder, 'auth.sqlite'))
  if ('absent' in database) return database
  const options = authOptions({ database })
  await (await getMigrations(options)).runMigrations()
  return authRows(AUTH_SQLITE, options)
})

/**
 * It has to be compiled for this Node where no ready-made one fits, which not every machine can.
 */
async function openSqlite(path: string): Promise<object | { readonly absent: string }> {
  try {
    const { default: Database } = await import('better-sqlite3')
    const database = new Database(path)
    database.pragma('journal_mode = WAL')
    return database
  } catch (error) {
    const [why = ''] = String(error).split('\n')
    return {
      absent:
        `${AUTH_SQLITE}: better-sqlite3 cannot be loaded. To build it, npm needs make, a C++ ` +
        'compiler and Python; ' +
        `remove bench/peers/node_modules to let it try again. (${why})`,
    }
  }
}
