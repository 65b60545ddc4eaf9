import { randomBytes } from 'node:crypto'
import { PARTITIONS } from '../../core/ids.ts'
import type { RedisAsk } from './ask.ts'
import type { RedisKeys } from './keys.ts'
import { bytesOf, listOf } from './replies.ts'

/**
 * What scripts authenticate messages with: a random value for each partition, in Redis itself. Who
 * may read it may write the feed as well.
 */
export interface WakeSecrets {
  of(partition: number): Buffer | undefined
  /** Has them read again: they are missing, or others took their place. */
  doubt(): void
}

const SECRET_BYTES = 16
/** A message that is not authentic costs at most one reading in this time. */
const PAUSE_MS = 1_000

const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition)

export function wakeSecrets(
  { ask, keys }: { readonly ask: RedisAsk; readonly keys: RedisKeys },
  { cluster }: { readonly cluster: boolean },
): WakeSecrets {
  const names = ALL.map(keys.secret)
  let known: readonly (Buffer | undefined)[] = []
  let readAt = -Infinity

  async function kept(): Promise<readonly (Buffer | undefined)[]> {
    if (!cluster) return listOf(await ask.command(names[0] ?? '', ['MGET', ...names])).map(bytesOf)
    return Promise.all(names.map(async (name) => bytesOf(await ask.command(name, ['GET', name]))))
  }

  async function read(): Promise<void> {
    known = await kept()
    const missing = names.filter((_, i) => known[i] === undefined)
    if (missing.length === 0) return
    await Promise.all(
      missing.map((name) => ask.command(name, ['SET', name, randomBytes(SECRET_BYTES), 'NX'])),
    )
    known = await kept()
  }

  return {
    of: (partition) => known[partition],
    doubt() {
      if (performance.now() - readAt < PAUSE_MS) return
      readAt = performance.now()
      // Without them everything that a message tells of is read.
      read().catch(() => {})
    },
  }
}
