import { z } from 'zod'
import {
  apiKey,
  audience,
  audienceName,
  duration,
  issuer,
  lifetime,
  listen,
  listenAnywhere,
  origin,
  page,
  path,
  pause,
  policy,
  store,
  tokenLifetime,
  word,
} from './values.ts'

/**
 * How the text of an environment variable becomes the value that the schema reads: as it is, a number, a
 * comma-separated list, API keys, or YAML in one line for what has structure.
 */
export type Reading = 'text' | 'number' | 'list' | 'keys' | 'yaml'

/** What each setting says of itself, for the reference, for `config check` and for `config print`. */
export interface SettingFacts {
  /** What it is for, one or two sentences. */
  readonly about: string
  /** A value that is right; shown as the mend of a wrong one. */
  readonly example: string
  readonly reading: Reading
  /** Masked when printed; also read from the file that `<VARIABLE>_FILE` names. */
  readonly secret?: boolean
}

/** The one schema of the service's configuration: keys of `holdfast.yaml`, and as `HOLDFAST_*` variables. */
export const schema = z.strictObject({
  listen: setting(listen.default({ host: '127.0.0.1', port: 4600 }), {
    about: 'Where the HTTP API listens. TLS is the business of what stands in front.',
    example: '127.0.0.1:4600',
    reading: 'text',
  }),
  managementListen: setting(listen.default({ host: '127.0.0.1', port: 4601 }), {
    about:
      'Where `/livez`, `/readyz` and `/metrics` listen, without a key: keep it off public networks.',
    example: '127.0.0.1:4601',
    reading: 'text',
  }),
  gateListen: setting(listenAnywhere.default({ host: '127.0.0.1', port: 4602 }), {
    about:
      'Where gateways ask (`/v1/gate/...`): an address, `unix:/path` for a socket, or `off`. Whoever may open the socket (mode 0660) counts as a gateway.',
    example: '127.0.0.1:4602',
    reading: 'text',
  }),
  grpcListen: setting(listenAnywhere.default('off'), {
    about:
      'Where Envoy asks over gRPC (`envoy.service.auth.v3.Authorization`): as `gateListen`. Off unless set.',
    example: '127.0.0.1:4603',
    reading: 'text',
  }),
  gatePeers: setting(z.array(z.string().min(1).max(64)).max(64).default([]), {
    about:
      'Addresses and prefixes of gateways that need no key. What they say of a request is believed, so name nothing that a client can reach the gate from.',
    example: '10.0.3.0/24,192.168.1.7',
    reading: 'list',
  }),
  gateTlsHeader: setting(
    z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be a header name in lower case')
      .optional(),
    {
      about:
        "Header in which the gateways tell the JA4 fingerprint of the client's TLS handshake. They must write it themselves and drop what clients send under that name. None is read unless set.",
      example: 'x-ja4',
      reading: 'text',
    },
  ),
  origins: setting(z.array(origin).max(256).default([]), {
    about:
      "Public origins of the sites behind the gateways: logins return there and nowhere else, and their pages may use each other's sessions.",
    example: 'https://shop.example,https://account.example',
    reading: 'list',
  }),
  loginUrl: setting(page.optional(), {
    about:
      'Where gates send navigations without a session, with `?return=`: a URL, or a path of the site. Needs `origins`; without it they get 401.',
    example: 'https://account.example/login',
    reading: 'text',
  }),
  stepUpUrl: setting(page.optional(), {
    about:
      'Where gates send navigations that need a step-up, with `?return=` and `&acr=`: a URL, or a path of the site. Needs `origins`.',
    example: 'https://account.example/step-up',
    reading: 'text',
  }),
  store: setting(store.default({ kind: 'lmdb', path: '.holdfast/store' }), {
    about:
      'Where sessions are kept: `lmdb:DIR` (embedded, one machine), `redis://...` or `rediss://...` (Redis or Valkey), `memory:` (lost on restart).',
    example: 'lmdb:/var/lib/holdfast/store',
    reading: 'text',
    secret: true,
  }),
  storeTimeout: setting(duration.default(1_000), {
    about: 'Longest wait for an answer of Redis; beyond it the call is answered 503.',
    example: '1s',
    reading: 'text',
  }),
  apiKeys: setting(z.array(apiKey).min(1).max(256), {
    about:
      'Who may call the API. In the environment `name:role+role:secret`, comma-separated, each secret at least 16 characters; in the file a list of `name`, `roles` and `digest` (`sha256:` and the SHA-256 of the secret in hex). Roles: `app`, `gate`, `admin`, `audit`.',
    example: 'shop:app+gate:LONG-RANDOM-SECRET,ops:admin+audit:ANOTHER-LONG-SECRET',
    reading: 'keys',
    secret: true,
  }),
  keyring: setting(z.string().min(1).optional(), {
    about:
      'File of the key ring that seals everything (`holdfast keys new` makes one). Without it a development ring is made beside an LMDB store, or in memory; Redis demands one.',
    example: '/etc/holdfast/keyring.json',
    reading: 'text',
  }),
  idleTimeout: setting(duration.default(7_200_000), {
    about: 'A session of the class `default` ends after this long without a request.',
    example: '2h',
    reading: 'text',
  }),
  absoluteTimeout: setting(duration.default(86_400_000), {
    about: 'A session of the class `default` ends this long after its login, whatever happens.',
    example: '24h',
    reading: 'text',
  }),
  classes: setting(
    z
      .record(word, lifetime)
      .default({ remember: { absolute: 30 * 86_400_000, idle: 7 * 86_400_000, persistent: true } }),
    {
      about:
        'Lifetimes of further session classes: `absolute`, `idle`, and `persistent` for a cookie that survives the end of the browser. What is left out is as in `default`.',
      example: '{ remember: { absolute: 30d, idle: 7d, persistent: true } }',
      reading: 'yaml',
    },
  ),
  tenants: setting(z.record(z.string().min(1).max(128), z.record(word, lifetime)).default({}), {
    about: 'Lifetimes by tenant and class, where they differ from those above.',
    example: '{ acme: { default: { idle: 30m } } }',
    reading: 'yaml',
  }),
  sessionLimit: setting(z.int().min(1).max(10_000).optional(), {
    about: 'Most live sessions a subject may have at once. No limit unless set.',
    example: '3',
    reading: 'number',
  }),
  sessionLimitBeyond: setting(z.enum(['refuse', 'end_oldest']).default('end_oldest'), {
    about: 'What a login beyond the limit does: is refused, or ends the oldest session.',
    example: 'end_oldest',
    reading: 'text',
  }),
  policy: setting(policy.default('balanced'), {
    about: 'How much evidence leads to which answer: `lenient`, `balanced` or `strict`.',
    example: 'balanced',
    reading: 'text',
  }),
  shadowPolicy: setting(policy.optional(), {
    about: 'A second policy that judges everything and decides nothing; differences become events.',
    example: 'strict',
    reading: 'text',
  }),
  acrOrder: setting(z.array(z.string().min(1).max(64)).max(16).default([]), {
    about:
      'Authentication context classes from weakest to strongest. Without it a demanded `acr` must be met exactly.',
    example: 'urn:basic,urn:mfa',
    reading: 'list',
  }),
  rotateEvery: setting(duration.default(300_000), {
    about: 'Age at which a session secret is replaced, when the answer can carry a cookie.',
    example: '5m',
    reading: 'text',
  }),
  localCopies: setting(z.boolean().default(false), {
    about:
      'Keep copies of sessions in this process, so that most verifications ask no store. A revocation by another process then takes effect here when the feed has told of it: within milliseconds, and within 3 s while Redis is failing to answer. Revocations through this process take effect at once either way.',
    example: 'true',
    reading: 'yaml',
  }),
  prefixV4: setting(z.int().min(8).max(32).default(24), {
    about: 'IPv4 addresses that share this many leading bits are one network.',
    example: '24',
    reading: 'number',
  }),
  prefixV6: setting(z.int().min(16).max(128).default(64), {
    about: 'IPv6 addresses that share this many leading bits are one network.',
    example: '64',
    reading: 'number',
  }),
  geoCity: setting(z.array(z.string().min(1)).max(8).default([]), {
    about: 'MMDB files that place addresses (city or country); the first that knows answers.',
    example: '/var/lib/holdfast/geo/city.mmdb',
    reading: 'list',
  }),
  geoAsn: setting(z.array(z.string().min(1)).max(8).default([]), {
    about: 'MMDB files that name the network (ASN and organisation) of an address.',
    example: '/var/lib/holdfast/geo/asn.mmdb',
    reading: 'list',
  }),
  trustedProxies: setting(z.array(z.string().min(1).max(64)).max(64).default([]), {
    about:
      'Addresses and prefixes of the proxies between callers and the API, whose `X-Forwarded-For` says who called: for the log, as sessions are judged by the address that the caller puts into `request`. At the gates also those before a gateway, whose word about the client is believed.',
    example: '10.0.0.0/8,192.168.1.7',
    reading: 'list',
  }),
  cookieName: setting(
    z
      .string()
      .regex(
        /^__(?:Host|Secure)-[\w-]{1,56}$/,
        'must start with __Host- or __Secure- and go on with letters, digits, "-" or "_"',
      )
      .default('__Host-session'),
    {
      about:
        'Name of the session cookie in answers. The `__Host-` prefix keeps other hosts from setting it.',
      example: '__Host-session',
      reading: 'text',
    },
  ),
  audiences: setting(
    z
      .record(audienceName, audience)
      .refine((all) => Object.keys(all).length <= 64, 'must not name more than 64')
      .default({}),
    {
      about:
        'Services that access tokens are issued for, by name; the first stands in where a refresh names none. `algorithm`: `EdDSA` unless said otherwise, `ES256` or `RS256`; `lifetime` as in `accessTokenLifetime`. None, and so no access tokens, unless set.',
      example: '{ orders: {}, billing: { algorithm: ES256, lifetime: 60s } }',
      reading: 'yaml',
    },
  ),
  issuer: setting(issuer.optional(), {
    about:
      'URL of this authority as verifiers know it: `iss` of access tokens. The address of `listen` unless set, which suits one machine alone.',
    example: 'https://auth.example.com',
    reading: 'text',
  }),
  clientId: setting(word.default('holdfast'), {
    about: '`client_id` of access tokens: for whom the sessions are kept.',
    example: 'holdfast',
    reading: 'text',
  }),
  accessTokenLifetime: setting(tokenLifetime.default(90_000), {
    about: 'How long an access token lives, `10s` to `120s`; never longer than its session.',
    example: '90s',
    reading: 'text',
  }),
  signingKeys: setting(z.string().min(1).optional(), {
    about:
      'File of the keys that sign access tokens (`holdfast keys new FILE --signing` makes one). Without it, where there are `audiences`, a development file is made beside an LMDB store, or keys in memory; Redis demands one.',
    example: '/etc/holdfast/signing-keys.json',
    reading: 'text',
  }),
  refreshCookieName: setting(
    z
      .string()
      .regex(
        /^__Secure-[\w-]{1,56}$/,
        'must start with __Secure- and go on with letters, digits, "-" or "_"',
      )
      .default('__Secure-refresh'),
    {
      about:
        'Name of the refresh cookie in answers. It goes to `refreshPath` alone, so it cannot have the `__Host-` prefix.',
      example: '__Secure-refresh',
      reading: 'text',
    },
  ),
  refreshPath: setting(path.default('/refresh'), {
    about:
      "Where the application takes refresh tokens, as the browser sees it: the refresh cookie's `Path`.",
    example: '/refresh',
    reading: 'text',
  }),
  requestTimeout: setting(duration.default(10_000), {
    about: 'A request that has not arrived whole by then is dropped.',
    example: '10s',
    reading: 'text',
  }),
  drain: setting(pause.default(2_000), {
    about:
      'How long a stopping service goes on serving, with `Connection: close` and a `/readyz` of 503, so that those who balance load see it before its port closes. `0s` closes at once.',
    example: '5s',
    reading: 'text',
  }),
  stopTimeout: setting(duration.default(10_000), {
    about: 'How long a stopping service, its port closed, lets requests in flight finish.',
    example: '10s',
    reading: 'text',
  }),
  logLevel: setting(z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'), {
    about: 'Least severity that is logged, as JSON lines on standard output.',
    example: 'info',
    reading: 'text',
  }),
})

/** The configuration of the service, checked, with defaults; durations in milliseconds. */
export type Config = z.output<typeof schema>

export type SettingName = keyof Config

/** Every setting in the order of the reference. */
export const SETTINGS = Object.keys(schema.shape).filter(isSetting)

/** The setting of this name; undefined when there is none. */
export function settingOf(name: string | undefined): SettingName | undefined {
  return SETTINGS.find((setting) => setting === name)
}

/** What a setting says of itself. */
export function factsOf(name: SettingName): SettingFacts {
  const { about, example, reading, secret } = facts.parse(schema.shape[name].meta())
  return { about, example, reading, ...(secret === undefined ? {} : { secret }) }
}

/** A right value as it is written in the file, or in the environment. */
export function exampleOf(name: SettingName, where: 'file' | 'environment'): string {
  const { example, reading } = factsOf(name)
  if (where === 'environment') return `${variableOf(name)}=${example}`
  if (reading === 'list') return `${name}: [${example.split(',').join(', ')}]`
  if (reading === 'keys') return `${name}: [{ name: shop, roles: [app, gate], digest: sha256:... }]`
  return `${name}: ${example}`
}

/** `idleTimeout` is `HOLDFAST_IDLE_TIMEOUT`. */
export function variableOf(name: SettingName): string {
  return `HOLDFAST_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

const facts = z.looseObject({
  about: z.string(),
  example: z.string(),
  reading: z.enum(['text', 'number', 'list', 'keys', 'yaml']),
  secret: z.boolean().optional(),
})

function setting<T extends z.ZodType>(type: T, said: SettingFacts): T {
  return type.meta({ ...said })
}

function isSetting(name: string): name is SettingName {
  return name in schema.shape
}
