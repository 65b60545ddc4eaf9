import { DEFAULT_LIFETIMES } from 'holdfast'
import { z } from 'zod'
import { setting } from '../setting.ts'
import { apiKey, duration, lifetime, size, store, word } from '../values.ts'

const { default: standard, remember } = DEFAULT_LIFETIMES

/** Where sessions are kept, who may ask for them, how long they live. */
export const keeping = {
  store: setting(store.default({ kind: 'lmdb', path: '.holdfast/store' }), {
    about:
      'Where sessions are kept: `lmdb:DIR` (embedded, one machine), `redis://HOST:PORT/DB`, ' +
      '`redis+sentinel://HOST,HOST/NAME`, `redis+cluster://HOST,HOST`, `unix:/PATH` (Redis or ' +
      'Valkey, also as `valkey`; `rediss` and `valkeys` with TLS), `memory:` (lost on restart).',
    example: 'lmdb:/var/lib/holdfast/store',
    reading: 'text',
    secret: true,
  }),
  storeUser: setting(z.string().min(1).max(512).optional(), {
    about: 'The user of Redis, as it is; in the address it has to be percent-encoded.',
    example: 'holdfast',
    reading: 'text',
    secret: true,
  }),
  storePassword: setting(z.string().min(1).max(4_096).optional(), {
    about: 'The password of Redis, as it is; in the address it has to be percent-encoded.',
    example: 'LONG-RANDOM-PASSWORD',
    reading: 'text',
    secret: true,
  }),
  storeSentinelUser: setting(z.string().min(1).max(512).optional(), {
    about: 'The user of the Sentinels, where they want one: that of Redis is not shown to them.',
    example: 'holdfast',
    reading: 'text',
    secret: true,
  }),
  storeSentinelPassword: setting(z.string().min(1).max(4_096).optional(), {
    about: 'The password of the Sentinels, where they want one.',
    example: 'LONG-RANDOM-PASSWORD',
    reading: 'text',
    secret: true,
  }),
  storeCa: setting(z.string().min(1).optional(), {
    about:
      'File of the authorities (PEM) that certificates of Redis are checked against, instead of ' +
      'those of the system.',
    example: '/etc/holdfast/redis-ca.pem',
    reading: 'text',
  }),
  storeCertificate: setting(z.string().min(1).optional(), {
    about: 'File of the certificate (PEM) that is shown to a Redis that asks for one.',
    example: '/etc/holdfast/redis-client.pem',
    reading: 'text',
  }),
  storeCertificateKey: setting(z.string().min(1).optional(), {
    about: 'File of the private key (PEM) of `storeCertificate`.',
    example: '/etc/holdfast/redis-client-key.pem',
    reading: 'text',
  }),
  storePrefix: setting(
    z
      .string()
      .regex(/^[\w:.-]{0,64}$/, 'must be up to 64 letters, digits and : . _ - alone')
      .default('hf:'),
    {
      about: 'In front of all keys in Redis.',
      example: 'hf:',
      reading: 'text',
    },
  ),
  storeWakeUps: setting(z.boolean().default(true), {
    about:
      'Hears of changes over a second connection to Redis, within a millisecond or two. Without ' +
      'it, within 200 ms.',
    example: 'true',
    reading: 'yaml',
  }),
  allowEviction: setting(z.boolean().default(false), {
    about:
      'Accepts a Redis that evicts keys when its memory is full. An evicted tombstone can bring ' +
      'a revoked session back: only where that is no harm.',
    example: 'false',
    reading: 'yaml',
  }),
  storeTimeout: setting(duration.default(1_000), {
    about: 'Longest wait for an answer of Redis; beyond it the call is answered 503.',
    example: '1s',
    reading: 'text',
  }),
  feedBytes: setting(
    size
      .refine((bytes) => bytes >= 1e6 && bytes <= 64e9, 'must be 1MB to 64GB')
      .default(256_000_000),
    {
      about:
        'Most bytes of the store that the feed may take, about: revocations, changes and the ' +
        'event log. Its 64 partitions share it equally, and the oldest entries go first. ' +
        'Readers of the event log have that long to come back, and verifiers of access tokens ' +
        'need the last 145 s.',
      example: '256MB',
      reading: 'text',
    },
  ),
  feedLimit: setting(z.int().min(100).max(10_000_000).default(10_000), {
    about:
      'Most entries that each of the 64 partitions of the feed keeps, about. What is reached ' +
      'first counts, this or `feedBytes`.',
    example: '10000',
    reading: 'number',
  }),
  apiKeys: setting(z.array(apiKey).min(1).max(256), {
    about:
      'Who may call the API. In the environment `name:role+role:secret`, comma-separated, ' +
      'each secret at least 16 characters; in the file a list of `name`, `roles` and `digest` ' +
      '(`sha256:` and the SHA-256 of the secret in hex). Roles: `app`, `gate`, `admin`, ' +
      '`audit`. In the file a key may have a list of `audiences`, too: it gets and sees access ' +
      'tokens for no others.',
    example: 'shop:app+gate:LONG-RANDOM-SECRET,ops:admin+audit:ANOTHER-LONG-SECRET',
    reading: 'keys',
    secret: true,
  }),
  keyring: setting(z.string().min(1).optional(), {
    about:
      'File of the key ring that seals everything (`holdfast keys new` makes one). Without it ' +
      'a development ring is made beside an LMDB store, or in memory; Redis demands one.',
    example: '/etc/holdfast/keyring.json',
    reading: 'text',
  }),
  idleTimeout: setting(duration.default(standard.idleMs), {
    about: 'A session of the class `default` ends after this long without a request.',
    example: '2h',
    reading: 'text',
  }),
  absoluteTimeout: setting(duration.default(standard.absoluteMs), {
    about: 'A session of the class `default` ends this long after its login, whatever happens.',
    example: '24h',
    reading: 'text',
  }),
  classes: setting(
    z.record(word, lifetime).default({
      remember: {
        absolute: remember.absoluteMs,
        idle: remember.idleMs,
        persistent: remember.persistent,
      },
    }),
    {
      about:
        'Lifetimes of further session classes: `absolute`, `idle`, and `persistent` for a ' +
        'cookie that survives the end of the browser. What is left out is as in `default`.',
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
}
