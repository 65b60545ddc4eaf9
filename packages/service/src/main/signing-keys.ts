import { dirname, join } from 'node:path'
import { SessionError } from 'holdfast'
import {
  type AccessTokens,
  accessTokens,
  formatSigningKeys,
  newSigningKeys,
  parseSigningKeys,
  type SigningAlgorithm,
  type SigningKeys,
} from 'holdfast/tokens'
import type { Logger } from 'pino'
import { formatListen } from '../config/print.ts'
import type { Config } from '../config/schema.ts'
import { type Following, followFile } from './followed-file.ts'
import { createOnce, readSecretFile } from './secret-file.ts'

const DEVELOPMENT_FILE = 'development-signing-keys.json'

/**
 * The keys that sign access tokens; undefined where none are issued and no file is named. Without a
 * file, where there are audiences, development keys are made beside an LMDB store, or in memory for
 * a store in memory, and the log says so loudly.
 */
export function openSigningKeys(
  config: Pick<Config, 'signingKeys' | 'audiences' | 'store'>,
  log: Logger,
): SigningKeys | undefined {
  const { signingKeys, audiences, store } = config
  if (signingKeys !== undefined) return readSigningKeys(signingKeys, log)
  const wanted = Object.values(audiences).map(({ algorithm = 'EdDSA' }) => algorithm)
  if (wanted.length === 0) return undefined
  switch (store.kind) {
    case 'memory':
      log.warn(
        'DEVELOPMENT SIGNING KEYS in memory: access tokens end with this process. Set ' +
          'HOLDFAST_SIGNING_KEYS.',
      )
      return newSigningKeys({ algorithms: wanted })
    case 'lmdb':
      return developmentKeys(developmentFile(store.path), wanted, log)
    case 'redis':
      throw new SessionError(
        'config_invalid',
        'Redis demands a file of signing keys: make one with "holdfast keys new FILE ' +
          '--signing" and set HOLDFAST_SIGNING_KEYS.',
      )
  }
}

/**
 * Keys that change in place with their file. A file without a key that an audience needs is not
 * taken up.
 */
export function followSigningKeys(
  keys: SigningKeys,
  config: Config,
  on: Pick<Following<SigningKeys>, 'everyMs' | 'changed' | 'failed'>,
): { readonly signingKeys: SigningKeys; close(): void } {
  const { store, signingKeys: path } = config
  const file = followFile(keys, {
    ...on,
    path: path ?? (store.kind === 'lmdb' ? developmentFile(store.path) : undefined),
    parse: parseSigningKeys,
    format: formatSigningKeys,
    check: (fresh) => void tokensOf(config, fresh),
  })
  const signingKeys: SigningKeys = {
    get keys() {
      return file.current().keys
    },
  }
  return { signingKeys, close: file.close }
}

/** `iss` of access tokens. */
export function issuerOf({ issuer, listen }: Pick<Config, 'issuer' | 'listen'>): string {
  return issuer ?? `http://${formatListen(listen)}`
}

/** The issuer of a configuration; undefined where there are no audiences. */
export function tokensOf(config: Config, keys: SigningKeys): AccessTokens | undefined {
  const { audiences, clientId, accessTokenLifetime } = config
  if (Object.keys(audiences).length === 0) return undefined
  return accessTokens({
    keys,
    issuer: issuerOf(config),
    clientId,
    accessTokenLifetime,
    audiences: Object.fromEntries(
      Object.entries(audiences).map(([name, { algorithm, lifetime }]) => [
        name,
        {
          ...(algorithm === undefined ? {} : { algorithm }),
          ...(lifetime === undefined ? {} : { lifetime }),
        },
      ]),
    ),
  })
}

function developmentFile(store: string): string {
  return join(dirname(store), DEVELOPMENT_FILE)
}

function developmentKeys(
  path: string,
  algorithms: readonly SigningAlgorithm[],
  log: Logger,
): SigningKeys {
  log.warn(
    { file: path },
    'DEVELOPMENT SIGNING KEYS beside the store: whoever copies the folder can be anybody. ' +
      'Make some elsewhere with "holdfast keys new FILE --signing" and set ' +
      'HOLDFAST_SIGNING_KEYS.',
  )
  createOnce(path, formatSigningKeys(newSigningKeys({ algorithms })))
  return readSigningKeys(path, log)
}

function readSigningKeys(path: string, log: Logger): SigningKeys {
  const command = `holdfast keys new ${path} --signing`
  const fix = `Make one with "${command}", or correct HOLDFAST_SIGNING_KEYS.`
  return parseSigningKeys(readSecretFile({ path, name: 'The signing keys file', fix }, log))
}
