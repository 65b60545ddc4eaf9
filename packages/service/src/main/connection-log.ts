import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import { formatStoreAddress, type RedisAddress } from '../config/store-address.ts'

/** The part of a client of `ioredis` that tells of its connection. */
export interface TellingClient {
  readonly status: string
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'ready', listener: () => void): unknown
}

export interface ConnectionLogOptions {
  readonly address: RedisAddress
  readonly config: Pick<Config, 'storePassword' | 'storeSentinelPassword'>
  readonly log: Logger
}

/**
 * Logs once that Redis cannot be reached and why, once more when the cause changes, and once that
 * it is over. Without a listener a lost connection would end the process; the store answers for
 * itself.
 */
export function connectionLog(
  client: TellingClient,
  { address, config, log }: ConnectionLogOptions,
): { whereabouts(): string } {
  const where = formatStoreAddress(address, '***')
  const secrets = [address.password, config.storePassword, config.storeSentinelPassword]
  let cause: string | undefined

  client.on('error', (error) => {
    const next = causeOf(error, secrets)
    if (next === cause) return
    cause = next
    log.warn({ store: where, cause }, 'Redis cannot be reached')
  })
  client.on('ready', () => {
    if (cause !== undefined) log.info({ store: where }, 'Redis is reached again')
    cause = undefined
  })

  return {
    whereabouts() {
      if (client.status === 'ready') return where
      return `${where}: ${cause ?? `the connection is in state "${client.status}"`}`
    },
  }
}

const LONGEST = 300

/**
 * The message of an error, without the arguments of a command, which Redis repeats where it does
 * not know it, without a reply that came to nobody, and without secrets. A Cluster has the cause
 * in the error of its last node.
 */
function causeOf(error: Error, secrets: readonly (string | undefined)[]): string {
  const last: unknown = 'lastNodeError' in error ? error.lastNodeError : undefined
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined
  const one = [last, inner].find((it) => it instanceof Error) ?? error
  let text = one.message
    .replace(/,? with args beginning with.*$| Last (?:reply|error): .*$/s, '')
    .slice(0, LONGEST)
  for (const secret of secrets) if (secret) text = text.replaceAll(secret, '***')
  return text || one.name
}
