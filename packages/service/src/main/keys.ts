import { type Keyring, SessionError } from 'holdfast'
import type { AccessTokens, SigningKeys } from 'holdfast/tokens'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import { followKeyring, openKeyring } from './keyring.ts'
import type { KeyFile, Metrics } from './metrics.ts'
import { followSigningKeys, openSigningKeys, tokensOf } from './signing-keys.ts'

/** All keys of a service. They change in place when their files do. */
export interface Keys {
  readonly keyring: Keyring
  /** Undefined where there are neither audiences nor a file. */
  readonly signingKeys: SigningKeys | undefined
  /** Undefined where there are no audiences. */
  readonly tokens: AccessTokens | undefined
  /** Hears from now on of each file of keys that was taken up, with the ids of its keys. */
  onTakenUp(hear: TakenUp): void
  close(): void
}

/** Hears that a file of keys was taken up. Must not throw. */
export type TakenUp = (file: KeyFile, ids: readonly string[]) => void

export interface KeysOptions {
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => number
  /** How often the files are looked at, ms. */
  readonly everyMs: number
}

/** Opens the key ring and the signing keys, and follows their files. Throws `config_invalid`. */
export function openKeys(config: Config, { log, metrics, now, everyMs }: KeysOptions): Keys {
  const ring = openKeyring(config, log)
  const signing = openSigningKeys(config, log)
  if (signing !== undefined) tokensOf(config, signing)
  if (config.issuer === undefined && Object.keys(config.audiences).length > 0) {
    log.warn('Access tokens name the listening address as their issuer. Set HOLDFAST_ISSUER.')
  }

  let hear: TakenUp = () => {}
  const onTakenUp: Keys['onTakenUp'] = (given) => {
    hear = given
  }

  function reloaded(file: KeyFile, ids: readonly string[]): void {
    metrics.reloaded(file, 'done')
    log.info({ ring: file, ids }, 'key ring reloaded')
    hear(file, ids)
  }

  function failed(file: KeyFile): (error: unknown) => void {
    return (error) => {
      metrics.reloaded(file, 'failed')
      // of a fault of our own making, the message; what else there is may quote the file
      const problem = error instanceof SessionError ? error.message : 'It cannot be read.'
      log.warn({ ring: file }, `The file of keys has changed and is not taken up. ${problem}`)
    }
  }

  const sealing = followKeyring(ring, config, {
    everyMs,
    changed: ({ keys }) =>
      reloaded(
        'sealing',
        keys.map(({ id }) => id),
      ),
    failed: failed('sealing'),
  })
  if (signing === undefined) {
    const { close } = sealing
    return { ...sealing, signingKeys: undefined, tokens: undefined, onTakenUp, close }
  }
  const { signingKeys, close } = followSigningKeys(signing, config, {
    everyMs,
    changed: ({ keys }) =>
      reloaded(
        'signing',
        keys.map(({ kid }) => kid),
      ),
    failed: failed('signing'),
  })
  metrics.showSigningKeys(signingKeys, now)
  return {
    keyring: sealing.keyring,
    signingKeys,
    tokens: tokensOf(config, signingKeys),
    onTakenUp,
    close() {
      sealing.close()
      close()
    },
  }
}
