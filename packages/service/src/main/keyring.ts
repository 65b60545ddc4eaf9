import { dirname, join } from 'node:path'
import {
  checkKeyring,
  formatKeyring,
  type Keyring,
  newKeyring,
  parseKeyring,
  type Store,
} from 'holdfast'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import { createOnce, readSecretFile } from './secret-file.ts'

/** Where the key ring of a configuration is: its own file, or the development ring beside an embedded store. */
function keyringPath({ keyring, store }: Pick<Config, 'keyring' | 'store'>): string | undefined {
  if (keyring !== undefined) return keyring
  return store.kind === 'lmdb' ? join(dirname(store.path), DEVELOPMENT_FILE) : undefined
}

const DEVELOPMENT_FILE = 'development-keyring.json'

/**
 * The key ring to start with. A named file must exist. Without one a development ring is made beside an LMDB
 * store, or in memory for a store in memory, and the log says so loudly.
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
    'DEVELOPMENT KEY RING beside the store: whoever copies the folder can read every session. Make one elsewhere with "holdfast keys new FILE" and set HOLDFAST_KEYRING.',
  )
  createOnce(path, formatKeyring(newKeyring()))
  return readKeyring(path, log)
}

/** Compares ring and store once; a store that cannot be asked yet is compared later. */
export interface RingCheck {
  /** Rejects with `config_invalid` when the store is sealed under another ring, with `store_unavailable` when it cannot be asked. */
  done(): Promise<void>
  /** What an operator should know of the ring. */
  warnings(): readonly string[]
}

export function ringCheck(
  parts: { readonly store: Store; readonly keyring: Keyring },
  log: Logger,
): RingCheck {
  let warnings: readonly string[] | undefined

  return {
    async done() {
      if (warnings !== undefined) return
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
  const mend = `Make one with "holdfast keys new ${path}", or correct HOLDFAST_KEYRING.`
  return parseKeyring(readSecretFile({ path, name: 'The key ring', mend }, log))
}
