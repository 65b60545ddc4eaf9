import { formatDuration } from 'holdfast/wire'
import { type Config, factsOf, SETTINGS, type SettingName } from './schema.ts'
import { formatSize } from './size.ts'
import { formatStoreAddress } from './store-address.ts'
import type { Listen } from './values.ts'

const MASK = '***'

/** The configuration as it is in force, in the terms of the file, without anything secret. */
export function printable(config: Config): Readonly<Record<string, unknown>> {
  const shown: Record<string, unknown> = {}
  for (const name of SETTINGS) {
    const value = show(name, config)
    if (value !== undefined) shown[name] = value
  }
  return shown
}

/** `host:port`, an IPv6 host in brackets; a socket by its path. */
export function formatListen(where: Listen | 'off'): string {
  if (where === 'off') return where
  if ('path' in where) return `unix:${where.path}`
  const { host, port } = where
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function show(name: SettingName, config: Config): unknown {
  switch (name) {
    case 'listen':
    case 'managementListen':
    case 'gateListen':
    case 'grpcListen':
      return formatListen(config[name])
    case 'store':
      return formatStoreAddress(config.store, MASK)
    case 'apiKeys':
      return config.apiKeys.map(({ name: caller, roles, audiences }) => ({
        name: caller,
        roles,
        digest: MASK,
        ...(audiences === undefined ? {} : { audiences }),
      }))
    case 'onBehalfSecret':
      return config.onBehalfSecret.map(() => MASK)
    case 'idleTimeout':
    case 'absoluteTimeout':
    case 'rotateEvery':
    case 'storeTimeout':
    case 'requestTimeout':
    case 'accessTokenLifetime':
    case 'drain':
    case 'stopTimeout':
      return formatDuration(config[name])
    case 'auditKeep':
      return formatKeep(config.auditKeep)
    case 'feedBytes':
    case 'cacheBytes':
      return formatSize(config[name])
    case 'auditBacklogBytes':
      return config[name] === undefined ? undefined : formatSize(config[name])
    case 'classes':
      return mapValues(config.classes, formatLifetime)
    case 'audiences':
      return mapValues(config.audiences, ({ lifetime, ...own }) => ({
        ...own,
        ...(lifetime === undefined ? {} : { lifetime: formatDuration(lifetime) }),
      }))
    case 'tenants':
      return mapValues(config.tenants, (classes) => mapValues(classes, formatLifetime))
    default:
      return factsOf(name).secret && !saysNothing(config[name]) ? MASK : config[name]
  }
}

/** Nothing, or lists and objects of nothing, as the defaults of some settings are. */
export function saysNothing(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === undefined
  return Object.values(value).every(saysNothing)
}

function formatLifetime(lifetime: Config['classes'][string]): Record<string, unknown> {
  const { absolute, idle, persistent } = lifetime
  return {
    ...(absolute === undefined ? {} : { absolute: formatDuration(absolute) }),
    ...(idle === undefined ? {} : { idle: formatDuration(idle) }),
    ...(persistent === undefined ? {} : { persistent }),
  }
}

function formatKeep(keep: Config['auditKeep']): unknown {
  const times = new Set(Object.values(keep))
  return times.size === 1 ? formatDuration(keep.login) : mapValues(keep, formatDuration)
}

function mapValues<T, R>(
  record: Readonly<Record<string, T>>,
  to: (value: T) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]))
}
