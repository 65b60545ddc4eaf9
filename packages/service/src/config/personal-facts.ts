import type { Config } from './schema.ts'

/** What events keep of who somebody is. */
export function personalFactsOf({
  auditPersonal,
  auditDirectory,
}: Pick<Config, 'auditPersonal' | 'auditDirectory'>): 'full' | 'network' | 'none' {
  return auditPersonal ?? (auditDirectory === undefined ? 'none' : 'full')
}
