import { SessionError } from '../../core/errors.ts'
import type { RedisAsk } from './ask.ts'
import { textOf } from './replies.ts'

/**
 * A Redis that evicts throws tombstones away like anything else, and a revoked session could return.
 * Throws `config_invalid` for every policy but `noeviction`.
 */
export async function refuseEviction(
  ask: RedisAsk,
  { allowEviction, onWarning }: EvictionOptions,
): Promise<void> {
  const policies = await policiesOf(ask)
  const unknown = policies.length === 0 || policies.includes(undefined)
  if (unknown) {
    onWarning(
      'Redis does not say whether it evicts keys when its memory is full. Make sure that maxmemory-policy is noeviction: an evicted tombstone can bring a revoked session back.',
    )
  }
  const evicting = policies.find((policy) => policy !== undefined && policy !== 'noeviction')
  if (evicting === undefined || allowEviction) return
  throw new SessionError(
    'config_invalid',
    `Redis has maxmemory-policy "${evicting}": when its memory is full it may evict a tombstone and bring a revoked session back. Set it to noeviction, or set allowEviction to accept that.`,
  )
}

export interface EvictionOptions {
  readonly allowEviction: boolean
  readonly onWarning: (message: string) => void
}

/** Refused commands are an answer too (managed services forbid some); a Redis that cannot be reached is not. */
async function policiesOf(ask: RedisAsk): Promise<readonly (string | undefined)[]> {
  try {
    const replies = await ask.onEachMaster(['INFO', 'memory'])
    return replies.map((reply) => /^maxmemory_policy:(\S+)/m.exec(textOf(reply))?.[1])
  } catch (error) {
    const { cause } = error instanceof Error ? error : { cause: undefined }
    if (cause instanceof Error && /^(NOPERM|ERR) /.test(cause.message)) return []
    throw error
  }
}
