import { readFileSync } from 'node:fs'
import { SessionError } from 'holdfast'
import type { Config } from '../../../config/schema.ts'
import type { PostgresAddress } from './postgres.ts'

/** Where the index is; undefined where it is a file. Throws `config_invalid` without its file. */
export function indexAddress({
  auditDatabase,
  auditDatabaseCa: path,
}: Pick<Config, 'auditDatabase' | 'auditDatabaseCa'>): PostgresAddress | undefined {
  if (auditDatabase === undefined) return undefined
  const { tls, ...address } = auditDatabase
  if (!tls) return address
  if (path === undefined) return { ...address, tls: {} }
  try {
    return { ...address, tls: { ca: readFileSync(path, 'utf8') } }
  } catch (cause) {
    throw new SessionError('config_invalid', `auditDatabaseCa: ${path} cannot be read.`, { cause })
  }
}
