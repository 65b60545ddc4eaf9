import { SessionError } from '../../core/errors.ts'
import type { RedisAsk } from './ask.ts'
import { invalidOption } from './client.ts'
import { textOf } from './replies.ts'

export interface ServerCheckOptions {
  /** Whether the client knows the nodes of a Cluster. */
  readonly cluster: boolean
  readonly allowEviction: boolean
  readonly onWarning: (message: string) => void
}

/**
 * Throws `config_invalid` for a node of a Cluster behind a client that knows no other, which could
 * ask for a part of the keys alone, and for every eviction policy but `noeviction`. A Redis that
 * evicts keys also evicts tombstones, and a revoked session could then return.
 */
export async function refuseServer(
  ask: RedisAsk,
  { cluster, allowEviction, onWarning }: ServerCheckOptions,
): Promise<void> {
  const servers = await infosOf(ask)
  if (!cluster && servers.some(({ mode }) => mode === 'cluster')) {
    throw invalidOption(
      'was given one node of a Cluster, which has a part of the keys: hand over a Cluster client ' +
        'of ioredis or redis (in the service: redis+cluster://HOST,HOST)',
    )
  }
  const policies = servers.map(({ policy }) => policy)
  if (policies.length === 0 || policies.includes(undefined)) {
    onWarning(
      'Redis does not say whether it evicts keys when its memory is full. ' +
        'Make sure that maxmemory-policy is noeviction: ' +
        'an evicted tombstone can bring a revoked session back.',
    )
  }
  const evicting = policies.find((policy) => policy !== undefined && policy !== 'noeviction')
  if (evicting === undefined) return
  if (allowEviction) {
    onWarning(
      `Redis has maxmemory-policy "${evicting}", and allowEviction accepts it: an evicted ` +
        'tombstone can bring a revoked session back.',
    )
    return
  }
  throw new SessionError(
    'config_invalid',
    `Redis has maxmemory-policy "${evicting}": when its memory is full it may evict a tombstone ` +
      'and bring a revoked session back. ' +
      'Set it to noeviction, or set allowEviction to accept that.',
  )
}

interface ServerInfo {
  readonly mode: string | undefined
  readonly policy: string | undefined
}

/**
 * Of each master. A Redis that refuses the command, as some managed services do, counts as unknown;
 * one that cannot be reached is an error.
 */
async function infosOf(ask: RedisAsk): Promise<readonly ServerInfo[]> {
  try {
    const replies = await ask.onEachMaster(['INFO'])
    return replies.map((reply) => {
      const text = textOf(reply)
      return {
        mode: /^redis_mode:(\S+)/m.exec(text)?.[1],
        policy: /^maxmemory_policy:(\S+)/m.exec(text)?.[1],
      }
    })
  } catch (error) {
    const { cause } = error instanceof Error ? error : { cause: undefined }
    if (cause instanceof Error && /^(NOPERM|ERR) /.test(cause.message)) return []
    throw error
  }
}
