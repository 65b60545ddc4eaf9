import { SessionError, systemHost } from 'holdfast'
import { checkKeyring } from 'holdfast/maintenance'
import { pino } from 'pino'
import { FILES } from '../config/files.ts'
import { checkConfig, type Sources } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { openKeyring } from '../main/keyring.ts'
import { openStore } from '../main/store.ts'
import {
  examineAuditDatabase,
  examineAuditFiles,
  examineAuditWriter,
  examineWitnesses,
} from './audit.ts'
import { examineFiles } from './files.ts'
import { type Finding, fault, warning } from './finding.ts'
import { examineRedis } from './redis.ts'
import { examineRunning } from './running.ts'

/**
 * Looks at an installation from where its service runs: the configuration, the files that it names,
 * the store, the running process. Changes nothing but a key in Redis that is gone in a second, and
 * has the witnesses of the audit log sign what they would be asked to sign within the minute.
 */
export async function examine(
  sources: Sources,
  now: () => number = () => Date.now(),
): Promise<readonly Finding[]> {
  const checked = checkConfig(sources, FILES)
  if (!checked.ok) {
    return checked.problems.map(({ field, problem, fix }) =>
      fault('configuration', `${field} ${problem}`, fix),
    )
  }
  const { config, warnings } = checked
  const store = await examineStore(config, now)
  return [
    ...warnings.map(({ field, problem, fix }) => warning('network', `${field} ${problem}`, fix)),
    ...(await examineFiles(config, now())),
    ...examineAuditFiles(config, now()),
    ...(await examineWitnesses(config, now)),
    ...(await examineAuditDatabase(config, now())),
    ...store,
    ...(store.some(({ level }) => level === 'fault') ? [] : await insideOf(config)),
    ...(await examineRunning(config)),
  ]
}

async function examineStore(config: Config, now: () => number): Promise<readonly Finding[]> {
  const { store } = config
  return store.kind === 'redis' ? examineRedis(store, config, now) : []
}

/** Whether the ring is the one that the store is sealed under, and who writes the audit log. */
async function insideOf(config: Config): Promise<readonly Finding[]> {
  if (config.store.kind === 'memory' || config.keyring === undefined) return []
  const log = pino({ level: 'silent' })
  try {
    const { store, close } = await openStore(config, { log, existing: true })
    try {
      const keyring = openKeyring(config, log)
      const missing = await checkKeyring({ store, keyring })
      return [
        ...missing.map((id) =>
          fault('key ring', `it lacks the key ${id}, which sealed a part of the store`, RESTORE),
        ),
        ...(await examineAuditWriter({ store, keyring, host: systemHost(), config })),
      ]
    } finally {
      await close()
    }
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
    // An embedded store that is not there yet has no ring.
    if (config.store.kind === 'lmdb' && error.message.startsWith('There is no store')) return []
    return [fault('key ring', error.message, RESTORE)]
  }
}

const RESTORE = 'Name the ring that this store was made with, from your copy of it.'
