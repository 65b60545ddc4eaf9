import { isIP } from 'node:net'
import { nearest } from 'holdfast/wire'

/** Which store, and where it is. */
export type StoreAddress =
  | { readonly kind: 'memory' }
  | { readonly kind: 'lmdb'; readonly path: string }
  | RedisAddress

/** One server, the Sentinels that know the master, or some nodes of a Cluster. */
export interface RedisAddress {
  readonly kind: 'redis'
  readonly form: 'single' | 'sentinel' | 'cluster'
  readonly tls: boolean
  /** None for a socket. */
  readonly hosts: readonly RedisHost[]
  readonly socket?: string
  /** The name under which Sentinels watch the master. */
  readonly master?: string
  readonly database: number
  readonly user?: string
  readonly password?: string
}

export interface RedisHost {
  readonly host: string
  readonly port: number
}

/** What is wrong with an address, without any part of it that may be a secret, and the mend. */
export interface AddressProblem {
  readonly problem: string
  readonly fix: string
}

const PORT = 6_379
const SENTINEL_PORT = 26_379
const MOST_HOSTS = 64
const REDIS = /^(redis|valkey)(s?)(?:\+(sentinel|cluster))?:\/\/(.*)$/s

const SCHEMES = ['redis', 'valkey'].flatMap((name) =>
  ['', 's'].flatMap((tls) => ['', '+sentinel', '+cluster'].map((form) => `${name}${tls}${form}`)),
)

const EVERY_FORM =
  'Write lmdb:DIR, memory:, redis://HOST:PORT/DB, redis+sentinel://HOST,HOST/NAME, ' +
  'redis+cluster://HOST,HOST or unix:/PATH; rediss and valkeys are with TLS.'

/** Reads an address of a store. */
export function parseStoreAddress(text: string): StoreAddress | AddressProblem {
  if (/[\s\p{Cc}]/u.test(text)) {
    return {
      problem: 'has a space or a control character',
      fix: 'Remove it, or write it percent-encoded.',
    }
  }
  if (text === 'memory:') return { kind: 'memory' }
  if (text.startsWith('lmdb:')) return folderOf(text.slice('lmdb:'.length))
  if (text.startsWith('unix:')) return socketOf(text)
  const [, , tls, form = 'single', rest] = REDIS.exec(text) ?? []
  if (rest === undefined) return unknownStore(text)
  return redisOf(rest, { form: form as RedisAddress['form'], tls: tls === 's' })
}

/** A folder by its path. What a shell or a URL would make of it would be another one. */
function folderOf(path: string): StoreAddress | AddressProblem {
  if (path === '') return { problem: 'names no folder', fix: 'Write lmdb:DIR.' }
  if (path.startsWith('//')) {
    return { problem: 'is no URL', fix: `Write lmdb:${path.replace(/^\/+/, '/')}.` }
  }
  if (/^~|\$\{?\w|%[\da-f]{2}/i.test(path)) {
    return { problem: 'has what nobody expands (~, $, %)', fix: 'Write the whole path, as it is.' }
  }
  if (/^[./]*$/.test(path)) {
    return {
      problem: 'is no folder of its own',
      fix: 'Name one for the store alone, as in lmdb:/var/lib/holdfast/store.',
    }
  }
  return { kind: 'lmdb', path }
}

/** The address as it may be shown, with `mask` for who logs in. */
export function formatStoreAddress(address: StoreAddress, mask: string): string {
  if (address.kind === 'memory') return 'memory:'
  if (address.kind === 'lmdb') return `lmdb:${address.path}`
  const { form, tls, hosts, socket, master, database, user, password } = address
  if (socket !== undefined) return `unix:${socket}?db=${database}`
  const scheme = `redis${tls ? 's' : ''}${form === 'single' ? '' : `+${form}`}`
  const login = password === undefined ? '' : `:${mask}`
  const who = user === undefined && login === '' ? '' : `${user === undefined ? '' : mask}${login}@`
  const path = [master, form === 'cluster' ? undefined : String(database)]
  const tail = path.flatMap((part) => (part === undefined ? [] : `/${part}`)).join('')
  return `${scheme}://${who}${hosts.map(formatHost).join(',')}${tail}`
}

/** `host:port`, an IPv6 host in brackets. */
function formatHost({ host, port }: RedisHost): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function unknownStore(text: string): AddressProblem {
  // What stands in front of "://" may be shown; of any other text a part may be a password.
  const scheme = /^([a-z][a-z0-9+.-]{0,30}):\/\//i.exec(text)?.[1]
  const meant = scheme && nearest(scheme.toLowerCase(), SCHEMES)
  return {
    problem: `names no store${scheme === undefined ? '' : ` ("${scheme}://")`}`,
    fix: meant ? `Did you mean "${meant}://"? ${EVERY_FORM}` : EVERY_FORM,
  }
}

function redisOf(
  text: string,
  { form, tls }: Pick<RedisAddress, 'form' | 'tls'>,
): RedisAddress | AddressProblem {
  const at = text.lastIndexOf('@')
  const login = loginOf(text.slice(0, Math.max(at, 0)))
  if ('problem' in login) return login
  const place = text.slice(at + 1)
  if (/[?#]/.test(place)) {
    return {
      problem: 'has a "?" or a "#", and takes no options',
      fix: 'Remove what follows. User, password and certificates are settings of their own.',
    }
  }
  const [list = '', ...path] = place.replace(/\/$/, '').split('/')
  const hosts = hostsOf(list, form === 'sentinel' ? SENTINEL_PORT : PORT)
  if ('problem' in hosts) return hosts
  if (form === 'single' && hosts.length > 1) {
    return {
      problem: 'names several servers',
      fix: 'Write redis+sentinel://HOST,HOST/NAME for Sentinels, redis+cluster:// for a Cluster.',
    }
  }
  const common = { kind: 'redis', form, tls, hosts, ...login } as const
  if (form === 'cluster') {
    if (path.length === 0 || (path.length === 1 && path[0] === '0')) {
      return { ...common, database: 0 }
    }
    return { problem: 'names a database, and a Cluster has 0 alone', fix: 'Remove it.' }
  }
  const [master, number = '0', ...more] = form === 'sentinel' ? path : [undefined, ...path]
  if (form === 'sentinel' && !/^[\w.-]{1,128}$/.test(master ?? '')) {
    return {
      problem: 'does not say under which name the Sentinels watch the master',
      fix: 'Write it behind the Sentinels: redis+sentinel://HOST,HOST/NAME.',
    }
  }
  const database = databaseOf(number)
  if (database === undefined || more.length > 0) return NO_DATABASE
  return { ...common, database, ...(master === undefined ? {} : { master }) }
}

const NO_DATABASE = {
  problem: 'ends with a path that is no number of a database',
  fix: 'Write the number, as in redis://HOST:PORT/2, or leave it out.',
}

function databaseOf(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) ? Number(text) : undefined
}

type Login = Pick<RedisAddress, 'user' | 'password'>

function loginOf(text: string): Login | AddressProblem {
  if (/[@/?#]/.test(text)) {
    return {
      problem: 'has a user or a password with a character that means something else in addresses',
      fix: `${ENCODED} Or set storeUser and storePassword, which take them as they are.`,
    }
  }
  const colon = text.indexOf(':')
  try {
    const [user, password] = (
      colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
    ).map(decodeURIComponent)
    return { ...(user ? { user } : {}), ...(password ? { password } : {}) }
  } catch {
    return {
      problem: 'has a "%" in user or password that begins no percent-encoding',
      fix: ENCODED,
    }
  }
}

const ENCODED = 'Write it percent-encoded: @ as %40, / as %2F, ? as %3F, # as %23, % as %25.'

function hostsOf(text: string, port: number): readonly RedisHost[] | AddressProblem {
  const hosts: RedisHost[] = []
  for (const [i, one] of text.split(',').entries()) {
    const [, bracketed, named, own] =
      /^(?:\[([^\]]{0,64})\]|([A-Za-z0-9._-]{1,253}))(?::(\d{1,5}))?$/.exec(one) ?? []
    const host = bracketed ?? named
    const wanted = own === undefined ? port : Number(own)
    const good = bracketed === undefined || isIP(bracketed) === 6
    if (host === undefined || !good || wanted < 1 || wanted > 65_535 || i >= MOST_HOSTS) {
      const which = text.includes(',') ? `names no ${ORDINAL(i + 1)} server` : 'names no server'
      return {
        problem: `${which} as host, host:port or [IPv6]:port`,
        fix: 'Name each like cache.internal:6379, with a port from 1 to 65535.',
      }
    }
    hosts.push({ host, port: wanted })
  }
  return hosts
}

const ORDINAL = (n: number): string => `${n}${['th', 'st', 'nd', 'rd'][n > 20 ? 0 : n] ?? 'th'}`

function socketOf(text: string): RedisAddress | AddressProblem {
  const [path = '', query = ''] = text.slice('unix:'.length).split('?')
  const socket = path.replace(/^\/\/(?=\/)/, '')
  // A socket's path has 108 bytes on Linux, one of them the end.
  if (!socket.startsWith('/') || Buffer.byteLength(socket) > 107) {
    return {
      problem: 'names no socket by an absolute path of at most 107 bytes',
      fix: 'Write unix:/run/redis/redis.sock.',
    }
  }
  const options = new URLSearchParams(query)
  const known = ['db', 'username', 'password']
  if ([...options.keys()].some((name) => !known.includes(name))) {
    return {
      problem: 'has an option that is none of db, username and password',
      fix: 'Write unix:/run/redis/redis.sock?db=0.',
    }
  }
  const database = databaseOf(options.get('db') ?? '0')
  if (database === undefined) return NO_DATABASE
  const [user, password] = [options.get('username'), options.get('password')]
  return {
    ...{ kind: 'redis', form: 'single', tls: false, hosts: [], socket, database },
    ...(user ? { user } : {}),
    ...(password ? { password } : {}),
  }
}
