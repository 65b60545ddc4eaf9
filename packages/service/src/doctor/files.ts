import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseKeyring } from 'holdfast'
import { parseSigningKeys, signingKeysStatus } from 'holdfast/tokens'
import type { Config } from '../config/schema.ts'
import { geoStatus } from '../geo/record.ts'
import { MOST_KEY_DAYS } from '../main/key-age.ts'
import { type Finding, fault, warning } from './finding.ts'

const DAY_MS = 86_400_000
const GEO_DAYS = 45

/** Looks at the files of an installation: who may read them, and how old is what they hold. */
export async function examineFiles(config: Config, at: number): Promise<readonly Finding[]> {
  return [
    ...storeFolder(config),
    ...ringFile(config, at),
    ...signingFile(config, at),
    ...(await geoFiles(config, at)),
  ]
}

function storeFolder({ store }: Config): readonly Finding[] {
  switch (store.kind) {
    case 'memory':
      return [
        warning(
          'store',
          'sessions are kept in memory and end with the process',
          'Set HOLDFAST_STORE to lmdb:DIR or to a Redis.',
        ),
      ]
    case 'redis':
      return []
    case 'lmdb': {
      const folder = nearestFolder(store.path)
      if (isWritableFolder(folder)) return []
      const mend = 'Name a folder in HOLDFAST_STORE that the user of the service may write.'
      return [fault('store', `the store ${store.path} cannot be written`, mend)]
    }
  }
}

/** The folder, or the one that it would be made in. */
export function nearestFolder(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    if (existsSync(at) || dirname(at) === at) return at
  }
}

export function isWritableFolder(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function ringFile({ keyring, store }: Config, at: number): readonly Finding[] {
  if (keyring === undefined) {
    const mend = 'Make one with "holdfast keys new FILE" and set HOLDFAST_KEYRING.'
    return store.kind === 'memory'
      ? []
      : [warning('key ring', 'the key ring is a development ring beside the store', mend)]
  }
  const text = textOf(keyring)
  if (text === undefined) return [] // the configuration was told of it
  const findings = [...privacy('key ring', keyring)]
  const { keys, current } = parseKeyring(text)
  const sealing = keys.find(({ id }) => id === current)
  const days = daysSince(sealing?.createdAt ?? at, at)
  if (days > MOST_KEY_DAYS.sealing) {
    const command = `holdfast keys rotate ${keyring}`
    findings.push(warning('key ring', `its key seals for ${days} days`, `Run "${command}".`))
  }
  return findings
}

function signingFile({ signingKeys, audiences, store }: Config, at: number): readonly Finding[] {
  if (signingKeys === undefined) {
    if (Object.keys(audiences).length === 0 || store.kind !== 'lmdb') return []
    const mend = 'Make one with "holdfast keys new FILE --signing" and set HOLDFAST_SIGNING_KEYS.'
    return [warning('signing keys', 'they are development keys beside the store', mend)]
  }
  const text = textOf(signingKeys)
  if (text === undefined) return []
  const old = signingKeysStatus(parseSigningKeys(text)).filter(
    ({ state, since }) => state === 'active' && daysSince(since, at) > MOST_KEY_DAYS.signing,
  )
  return [
    ...privacy('signing keys', signingKeys),
    ...old.map(({ algorithm, since }) =>
      warning(
        'signing keys',
        `the key for ${algorithm} signs for ${daysSince(since, at)} days`,
        `Run "holdfast keys rotate ${signingKeys}".`,
      ),
    ),
  ]
}

/** A group may read: that is how Kubernetes mounts a Secret for a user that is not root. */
export function privacy(check: string, path: string): readonly Finding[] {
  const mode = statSync(path).mode & 0o007
  if (mode === 0 || process.platform === 'win32') return []
  return [fault(check, `everybody on this machine can read ${path}`, `Run "chmod 600 ${path}".`)]
}

async function geoFiles({ geoCity, geoAsn }: Config, at: number): Promise<readonly Finding[]> {
  const paths = [...geoCity, ...geoAsn].filter((path) => existsSync(path))
  if (geoCity.length + geoAsn.length === 0) {
    const mend = 'Run "holdfast geo update" and set HOLDFAST_GEO_CITY and HOLDFAST_GEO_ASN.'
    return [warning('geo data', 'journeys and networks are not judged: there is no data', mend)]
  }
  const ages = await Promise.all(
    paths.map(async (path) => {
      const status = await geoStatus(dirname(path), at).catch(() => undefined)
      return status?.ageMs ?? at - statSync(path).mtimeMs
    }),
  )
  const days = Math.floor(Math.max(0, ...ages) / DAY_MS)
  if (days <= GEO_DAYS) return []
  return [warning('geo data', `it is ${days} days old`, 'Run "holdfast geo update" once a month.')]
}

function daysSince(then: number, at: number): number {
  return Math.floor((at - then) / DAY_MS)
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
