import type { Lifetime } from 'holdfast'
import { clientAddressResolver, parseCidr } from 'holdfast/network'
import { formatDuration, lifetimesOf } from 'holdfast/wire'
import { UNIX_PEERS } from './client-address.ts'
import type { Problem } from './problem.ts'
import { type Config, factsOf, type SettingName } from './schema.ts'
import type { Listen } from './values.ts'

/** Looks for what no single setting can say of itself. */
export interface ConfigCheck {
  /** The settings that the check reads. It is skipped when one of them is invalid by itself. */
  readonly of: readonly SettingName[]
  /** `origin` names a setting as it was written. */
  problemsOf(config: Config, origin: (name: SettingName) => string): readonly Problem[]
}

const LISTENERS = ['listen', 'managementListen', 'gateListen', 'grpcListen'] as const

/** What each setting allows and two of them together do not. */
export const CONTRADICTIONS: readonly ConfigCheck[] = [
  {
    of: LISTENERS,
    problemsOf(config, origin) {
      const problems: Problem[] = []
      for (const [at, name] of LISTENERS.entries()) {
        const other = LISTENERS.slice(0, at).find((one) => sameAddress(config[one], config[name]))
        if (other === undefined) continue
        problems.push({
          field: origin(name),
          problem: `is the address of ${origin(other)}`,
          fix: 'Give each listener a port of its own.',
        })
      }
      return problems
    },
  },
  peersCheck('gatePeers'),
  peersCheck('proxyProtocolPeers', [UNIX_PEERS]),
  {
    of: ['cookieName', 'refreshCookieName'],
    problemsOf({ cookieName, refreshCookieName }, origin) {
      if (cookieName !== refreshCookieName) return []
      return [
        {
          field: origin('refreshCookieName'),
          problem: `is the name of ${origin('cookieName')}`,
          fix: 'Give the two cookies names of their own.',
        },
      ]
    },
  },
  {
    of: ['cookieSameSite', 'cookiePartitioned'],
    problemsOf({ cookieSameSite, cookiePartitioned }, origin) {
      if (!cookiePartitioned || cookieSameSite === 'none') return []
      return [
        {
          field: origin('cookiePartitioned'),
          problem: `is set and ${origin('cookieSameSite')} is ${cookieSameSite}`,
          fix: 'Set cookieSameSite to none: browsers keep partitioned cookies for no other.',
        },
      ]
    },
  },
  {
    of: ['origins', 'loginUrl', 'stepUpUrl', 'refusedUrl'],
    problemsOf({ origins, loginUrl, stepUpUrl, refusedUrl }, origin) {
      if (origins.some((one) => /^https?:/.test(one))) return []
      return Object.entries({ loginUrl, stepUpUrl, refusedUrl }).flatMap(([name, page]) =>
        page === undefined
          ? []
          : [
              {
                field: origin(name as 'loginUrl' | 'stepUpUrl' | 'refusedUrl'),
                problem: `is set and ${origin('origins')} names no site to return to`,
                fix: `Name the sites like: origins: [${factsOf('origins').example.split(',')[0]}]`,
              },
            ],
      )
    },
  },
  {
    of: ['idleTimeout', 'absoluteTimeout', 'classes', 'tenants'],
    problemsOf(config, origin) {
      const { lifetimes, tenants } = lifetimesOf(config)
      const all = [
        ...classesOf(lifetimes, (name) =>
          name === 'default' ? origin('idleTimeout') : `${origin('classes')}.${name}`,
        ),
        ...Object.entries(tenants).flatMap(([tenant, classes]) =>
          classesOf(classes, (name) => `${origin('tenants')}.${tenant}.${name}`),
        ),
      ]
      return all
        .filter(({ idleMs, absoluteMs }) => idleMs > absoluteMs)
        .map(({ field, idleMs, absoluteMs }) => ({
          field,
          problem:
            `has an idle timeout (${formatDuration(idleMs)}) beyond its absolute one ` +
            `(${formatDuration(absoluteMs)})`,
          fix: 'Shorten the idle timeout or lengthen the absolute one.',
        }))
    },
  },
  {
    of: ['classes'],
    problemsOf({ classes }, origin) {
      if (!('default' in classes)) return []
      return [
        {
          field: `${origin('classes')}.default`,
          problem: 'is set by idleTimeout and absoluteTimeout',
          fix: 'Remove it here and set those two.',
        },
      ]
    },
  },
  {
    of: ['trustedProxies'],
    problemsOf({ trustedProxies }, origin) {
      try {
        clientAddressResolver({ trust: { proxies: trustedProxies } })
        return []
      } catch {
        return [
          {
            field: origin('trustedProxies'),
            problem: 'has an entry that is neither an address nor a prefix',
            fix: `Name each like: ${factsOf('trustedProxies').example}`,
          },
        ]
      }
    },
  },
  {
    of: ['trustedProxies', 'addressHeader'],
    problemsOf({ trustedProxies, addressHeader }, origin) {
      if (trustedProxies.length > 0 || addressHeader === 'x-forwarded-for') return []
      return [
        {
          field: origin('addressHeader'),
          problem: `is set and ${origin('trustedProxies')} names nobody who is believed`,
          fix: `Name the proxies that write it, like: ${factsOf('trustedProxies').example}`,
        },
      ]
    },
  },
  {
    of: ['apiKeys'],
    problemsOf({ apiKeys }, origin) {
      const problems: Problem[] = []
      if (hasTwice(apiKeys.map(({ name }) => name))) {
        problems.push({
          field: origin('apiKeys'),
          problem: 'has one name twice',
          fix: 'Give every key a name of its own.',
        })
      }
      if (hasTwice(apiKeys.map(({ digest }) => digest))) {
        problems.push({
          field: origin('apiKeys'),
          problem: 'has one secret twice',
          fix: 'Give every key a secret of its own: who calls is told by it.',
        })
      }
      return problems
    },
  },
  {
    of: ['apiKeys', 'audiences'],
    problemsOf({ apiKeys, audiences }, origin) {
      const known = Object.keys(audiences)
      return apiKeys.flatMap(({ audiences: own = [] }, at) =>
        own.flatMap((audience, place) =>
          known.includes(audience)
            ? []
            : [
                {
                  field: `${origin('apiKeys')}.${at}.audiences.${place}`,
                  problem: `is none of ${origin('audiences')}`,
                  fix:
                    known.length === 0
                      ? `Name the audience in ${origin('audiences')} first.`
                      : `Name one of ${known.join(', ')}, or add it to ${origin('audiences')}.`,
                },
              ],
        ),
      )
    },
  },
  {
    of: ['store', 'storeUser', 'storePassword'],
    problemsOf({ store, storeUser, storePassword }, origin) {
      const problems: Problem[] = []
      const { user, password } = store.kind === 'redis' ? store : {}
      const [known, secret] = [storeUser ?? user, storePassword ?? password]
      if (storeUser !== undefined && user !== undefined) {
        problems.push(besideAddress(origin, 'storeUser', 'a user'))
      }
      if (storePassword !== undefined && password !== undefined) {
        problems.push(besideAddress(origin, 'storePassword', 'a password'))
      }
      if (known !== undefined && secret === undefined && store.kind === 'redis') {
        problems.push({
          field: origin(storeUser === undefined ? 'store' : 'storeUser'),
          problem: 'names a user of Redis, and there is no password',
          fix: 'Set storePassword, or leave the user out.',
        })
      }
      return problems
    },
  },
  {
    of: ['store', 'storeSentinelUser', 'storeSentinelPassword'],
    problemsOf({ store, ...set }, origin) {
      if (store.kind === 'redis' && store.form === 'sentinel') return []
      return (['storeSentinelUser', 'storeSentinelPassword'] as const)
        .filter((name) => set[name] !== undefined)
        .map((name) => ({
          field: origin(name),
          problem: `is set and ${origin('store')} names no Sentinels`,
          fix: 'Remove it, or write redis+sentinel://HOST,HOST/NAME.',
        }))
    },
  },
  {
    of: ['store', 'storeCa', 'storeCertificate', 'storeCertificateKey'],
    problemsOf({ store, ...set }, origin) {
      const { storeCertificate, storeCertificateKey } = set
      const names = ['storeCa', 'storeCertificate', 'storeCertificateKey'] as const
      if (store.kind !== 'redis' || !store.tls) {
        return names
          .filter((name) => set[name] !== undefined)
          .map((name) => ({
            field: origin(name),
            problem: `is set and ${origin('store')} is reached without TLS`,
            fix: 'Write the address with rediss:// or valkeys://, or remove it.',
          }))
      }
      if ((storeCertificate === undefined) === (storeCertificateKey === undefined)) return []
      const [there, missing] =
        storeCertificate === undefined
          ? (['storeCertificateKey', 'storeCertificate'] as const)
          : (['storeCertificate', 'storeCertificateKey'] as const)
      return [
        {
          field: origin(there),
          problem: `is set without ${missing}`,
          fix: 'Name the files of both, the certificate and its key.',
        },
      ]
    },
  },
  {
    of: ['store', 'keyring'],
    problemsOf({ store, keyring }, origin) {
      if (store.kind !== 'redis' || keyring !== undefined) return []
      return [
        {
          field: origin('keyring'),
          problem: 'is missing, and sessions in Redis cannot be shared without one',
          fix: 'Make one with "holdfast keys new FILE" and name the file here.',
        },
      ]
    },
  },
  {
    of: ['store', 'signingKeys', 'audiences'],
    problemsOf({ store, signingKeys, audiences }, origin) {
      if (store.kind !== 'redis' || signingKeys !== undefined) return []
      if (Object.keys(audiences).length === 0) return []
      return [
        {
          field: origin('signingKeys'),
          problem:
            'is missing, and access tokens of several instances cannot be verified without one',
          fix: 'Make one with "holdfast keys new FILE --signing" and name the file here.',
        },
      ]
    },
  },
]

function peersCheck(
  name: 'gatePeers' | 'proxyProtocolPeers',
  words: readonly string[] = [],
): ConfigCheck {
  return {
    of: [name],
    problemsOf(config, origin) {
      const isPeer = (text: string): boolean =>
        words.includes(text) || (parseCidr(text)?.bits ?? 0) > 0
      if (config[name].every(isPeer)) return []
      return [
        {
          field: origin(name),
          problem: 'has an entry that is neither an address nor a prefix, or that is everybody',
          fix: `Name each like: ${factsOf(name).example}`,
        },
      ]
    },
  }
}

function besideAddress(
  origin: (name: SettingName) => string,
  name: 'storeUser' | 'storePassword',
  what: string,
): Problem {
  return {
    field: origin(name),
    problem: `is set, and ${origin('store')} has ${what} as well`,
    fix: 'Leave one of the two out.',
  }
}

const EVERY_ADDRESS = ['0.0.0.0', '::']

function sameAddress(one: Listen | 'off', other: Listen | 'off'): boolean {
  if (one === 'off' || other === 'off') return false
  if ('path' in one || 'path' in other) {
    return 'path' in one && 'path' in other && one.path === other.path
  }
  if (one.port !== other.port || one.port === 0) return false
  return (
    one.host === other.host || [one.host, other.host].some((host) => EVERY_ADDRESS.includes(host))
  )
}

function hasTwice(texts: readonly string[]): boolean {
  return new Set(texts).size !== texts.length
}

function classesOf(
  classes: Readonly<Record<string, Lifetime>>,
  fieldOf: (name: string) => string,
): readonly (Lifetime & { readonly field: string })[] {
  return Object.entries(classes).map(([name, life]) => ({ ...life, field: fieldOf(name) }))
}
