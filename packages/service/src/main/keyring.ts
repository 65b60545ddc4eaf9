import { dirname, join } from 'node:path'
import { type Keyring, newKeyring, parseKeyring, SessionError, type Store } from 'holdfast'
import { checkKeyring, formatKeyring } from 'holdfast/maintenance'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import { type Following, followFile } from './followed-file.ts'
import { ringInPlace } from './ring-in-place.ts'
import { createOnce, readSecretFile } from './secret-file.ts'

/**
 * Where the key ring of a configuration is: its own file, or the development ring beside an
 * embedded store.
 */
function keyringPath({ keyring, store }: Pick<Config, 'keyring' | 'store'>): string | undefined {
  if (keyring !== undefined) return keyring
  return store.kind === 'lmdb' ? join(dirname(store.path), DEVELOPMENT_FILE) : undefined
}

const DEVELOPMENT_FILE = 'development-keyring.json'

/**
 * The key ring to start with. A named file must exist. Without one a development ring is made
 * beside an LMDB store, or in memory for a store in memory, and the log says so loudly.
 */
export function openKeyring(config: Pick<Config, 'keyring' | 'store'>, log: Logger): Keyring {
  if (config.keyring !== undefined) return readKeyring(config.keyring, log)
  const path = keyringPath(config)
  if (path === undefined) {
    log.warn(
      'DEVELOPMENT KEY RING in memory: every session ends with this process. Set HOLDFAST_KEYRING.',
    )
    return newKeyring()
  }
  log.warn(
    { file: path },
    'DEVELOPMENT KEY RING beside the store: whoever copies the folder can read every session. ' +
      'Make one elsewhere with "holdfast keys new FILE" and set HOLDFAST_KEYRING.',
  )
  createOnce(path, formatKeyring(newKeyring()))
  return readKeyring(path, log)
}

/** A ring that changes in place with its file. A ring with another index key is not accepted. */
export function followKeyring(
  ring: Keyring,
  config: Pick<Config, 'keyring' | 'store'>,
  on: Pick<Following<Keyring>, 'everyMs' | 'changed' | 'failed'>,
): { readonly keyring: Keyring; close(): void } {
  const file = followFile(ring, {
    ...on,
    path: keyringPath(config),
    parse: parseKeyring,
    format: formatKeyring,
    check(fresh, before) {
      if (fresh.index.equals(before.index)) return
      throw new SessionError(
        'config_invalid',
        'The key ring has another index key: it is the ring of another store.',
      )
    },
  })
  return { keyring: ringInPlace(file.current), close: file.close }
}

/**
 * Compares ring and store once for each ring; a store that cannot be asked yet is compared later.
 */
export interface RingCheck {
  /**
   * Rejects with `config_invalid` when the store is sealed under another ring, with
   * `store_unavailable` when it cannot be asked.
   */
  done(): Promise<void>
  /** What an operator should know of the ring. */
  warnings(): readonly string[]
}

export function ringCheck(
  parts: { readonly store: Store; readonly keyring: Keyring },
  log: Logger,
): RingCheck {
  let warnings: readonly string[] | undefined
  let of = parts.keyring.keys

  return {
    async done() {
      const { keys } = parts.keyring
      if (warnings !== undefined && of === keys) return
      of = keys
      warnings = undefined
      const missing = await checkKeyring(parts)
      warnings = missing.map(
        (id) => `the key ring lacks the key ${id}: what it sealed does not open. Restore that key.`,
      )
      for (const warning of warnings) log.warn(warning)
    },
    warnings: () => warnings ?? [],
  }
}

function readKeyring(path: string, log: Logger): Keyring {
  const fix = `Make one with "holdfast keys new ${path}", or correct HOLDFAST_KEYRING.`
  return parseKeyring(readSecretFile({ path, name: 'The key ring', fix }, log))
}
