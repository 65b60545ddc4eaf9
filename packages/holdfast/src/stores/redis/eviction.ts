import { SessionError } from '../../core/errors.ts'
import type { RedisAsk } from './ask.ts'
import { textOf } from './replies.ts'

/**
 * Throws `config_invalid` for every eviction policy but `noeviction`. A Redis that evicts keys also
 * evicts tombstones, and a revoked session could then return.
 */
export async function refuseEviction(
  ask: RedisAsk,
  { allowEviction, onWarning }: EvictionOptions,
): Promise<void> {
  const policies = await policiesOf(ask)
  const unknown = policies.length === 0 || policies.includes(undefined)
  if (unknown) {
    onWarning(
      'Redis does not say whether it evicts keys when its memory is full. ' +
        'Make sure that maxmemory-policy is noeviction: ' +
        'an evicted tombstone can bring a revoked session back.',
    )
  }
  const evicting = policies.find((policy) => policy !== undefined && policy !== 'noeviction')
  if (evicting === undefined || allowEviction) return
  throw new SessionError(
    'config_invalid',
    `Redis has maxmemory-policy "${evicting}": when its memory is full it may evict a tombstone ` +
      'and bring a revoked session back. ' +
      'Set it to noeviction, or set allowEviction to accept that.',
  )
}

export interface EvictionOptions {
  readonly allowEviction: boolean
  readonly onWarning: (message: string) => void
}

/**
 * The policy of each master. A Redis that refuses the command, as some managed services do, counts
 * as unknown; one that cannot be reached is an error.
 */
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
