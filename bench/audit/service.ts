import { loadConfig, startService } from '@holdfast/service'
import { API_KEY, child, say } from '../http/server.ts'
import { geoFilesIn } from '../places.ts'

/** What a service of this part works with. */
export interface AuditPlace {
  /** Where the geo data is. */
  readonly folder: string
  /** Directory of its store. */
  readonly store: string
  /** File of the keys. */
  readonly keyring: string
  /** Directory of the audit log; none without it. */
  readonly audit?: string
  /** Who hears of incidents. */
  readonly webhook?: string
}

/** The default sends one alert a second, and the rest as a digest. */
const PER_MINUTE = 6_000

/** The service on an embedded store, as in production. */
await child(async ({ folder, store, keyring, audit, webhook }: AuditPlace) => {
  const env = {
    HOLDFAST_API_KEYS: `bench:app+audit:${API_KEY}`,
    HOLDFAST_LISTEN: '127.0.0.1:0',
    HOLDFAST_MANAGEMENT_LISTEN: '127.0.0.1:0',
    HOLDFAST_GATE_LISTEN: '127.0.0.1:0',
    HOLDFAST_STORE: `lmdb:${store}`,
    HOLDFAST_KEYRING: keyring,
    HOLDFAST_GEO_CITY: geoFilesIn(folder).city,
    HOLDFAST_GEO_ASN: geoFilesIn(folder).asn,
    ...(audit === undefined ? {} : { HOLDFAST_AUDIT_DIRECTORY: audit }),
    ...(webhook === undefined ? {} : { HOLDFAST_ALERTS: alertsTo(webhook) }),
  }
  const { url } = await startService(loadConfig({ env }), { log: { write: () => true } })
  say({ kind: 'ready', port: Number(new URL(url).port) })
})

function alertsTo(url: string): string {
  const secrets = [`whsec_${Buffer.alloc(24, 7).toString('base64')}`]
  const target = { type: 'webhook', url, secrets, allowPrivate: true, perMinute: PER_MINUTE }
  return JSON.stringify({ targets: { bench: target } })
}
