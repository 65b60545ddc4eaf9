import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig, startService } from '@holdfast/service'
import { formatSigningKeys, newSigningKeys } from 'holdfast/tokens'
import { geoFilesIn } from '../places.ts'
import { PATIENCE_MS } from '../redis-server.ts'
import { ROTATE_EVERY_MS } from './estate.ts'
import { API_KEY, child, type Place, say } from './server.ts'

/** The service on the Redis of an estate, with its log, as in production. */
await child(async ({ kind, ground: { folder, redisPort }, keyring }: Place) => {
  const signingKeys = join(folder, `signing-keys-${process.pid}.json`)
  writeFileSync(signingKeys, formatSigningKeys(newSigningKeys()), { mode: 0o600 })
  const env = {
    HOLDFAST_API_KEYS: `bench:app+gate:${API_KEY}`,
    HOLDFAST_LISTEN: '127.0.0.1:0',
    HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0',
    HOLDFAST_GATE_LISTEN: '127.0.0.1:0',
    HOLDFAST_SIGNING_KEYS: signingKeys,
    HOLDFAST_AUDIENCES: '{ app: {} }',
    HOLDFAST_ISSUER: 'https://auth.example',
    HOLDFAST_STORE: `redis://127.0.0.1:${redisPort}`,
    HOLDFAST_STORE_TIMEOUT: `${PATIENCE_MS / 1_000}s`,
    HOLDFAST_KEYRING: keyring,
    HOLDFAST_GEO_CITY: geoFilesIn(folder).city,
    HOLDFAST_GEO_ASN: geoFilesIn(folder).asn,
    HOLDFAST_ROTATE_EVERY: `${ROTATE_EVERY_MS / 1_000}s`,
    HOLDFAST_LOCAL_COPIES: String(kind === 'hot'),
  }
  const { url, gateUrl = '' } = await startService(loadConfig({ env }))
  say({ kind: 'ready', port: Number(new URL(url).port), gatePort: Number(new URL(gateUrl).port) })
})
