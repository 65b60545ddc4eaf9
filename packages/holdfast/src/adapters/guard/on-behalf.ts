import { ON_BEHALF_HEADER } from '../../carriers/names.ts'
import { fromBase64url, toBase64url } from '../../core/base64url.ts'
import { sameText } from '../../core/constant-time.ts'
import { SessionError } from '../../core/errors.ts'
import { either, func, group, list, needed, passing } from '../../core/option-kinds.ts'
import { type ClientFacts, cut, headerText, RELEVANT_HEADERS } from '../../core/request.ts'
import type { EntryChecks } from './entry-checks.ts'
import type { HttpFacts } from './http-request.ts'
import type { DescribeRequest } from './request-facts.ts'
import type { Warn } from './warnings.ts'

/** How renderers and backends of one application ask each other for a person. */
export interface OnBehalfOptions {
  /**
   * What they share and nobody else knows: 32 characters or more, as of `openssl rand -base64 32`.
   * Of several the first one seals and all open, so that it can be changed.
   */
  readonly secret: string | readonly string[]
  /**
   * Hears of a header that was not believed. The request is judged as what it is then. Must not
   * throw. Default: a warning, once.
   */
  readonly onIgnored?: (ignored: IgnoredOnBehalf) => void
}

/** A header that says whom a request is for, and is not believed. */
export interface IgnoredOnBehalf {
  /**
   * - `malformed`: nothing that was sealed, or too long.
   * - `forged`: sealed by nobody who knows the secret.
   * - `expired`: older than 30 s, or from the future.
   * - `other_token`: made for a request with another token.
   */
  readonly reason: 'malformed' | 'forged' | 'expired' | 'other_token'
  readonly method: string
  readonly url: string
}

/** What a request says of the person whom it is made for. */
export interface Person {
  /** Of their own request: what a renderer makes of it is the application's own doing. */
  readonly method: string
  readonly ip: string | null
  /** Whether their browser came over HTTPS. */
  readonly https: boolean
  readonly tls: string | null
  readonly client: ClientFacts | undefined
  /** The request as it came: its answer goes to the renderer. */
  readonly hop: HttpFacts
}

/** How a guard asks for a person, and finds out for whom it is asked. */
export interface OnBehalf {
  /**
   * The headers for a request that is made within 30 s for the person whose request this is, with
   * the same token. None where a browser says too much.
   */
  forwardedFacts(facts: HttpFacts): Promise<ForwardedFacts>
  /**
   * The request as the person made it, where its header is believed, else as it is. Undefined: it
   * comes without such a header.
   */
  personOf(facts: HttpFacts): Promise<HttpFacts> | undefined
}

/** Headers for a request that an application makes for a person. */
export type ForwardedFacts = Readonly<Record<string, string>>

/** For how long a header is believed, ms. Two machines may differ by some seconds. */
const LIFE_MS = 30_000
const SKEW_MS = 5_000

const PREFIX = 'ob1.'
const NONCE_BYTES = 12
const MAX_LENGTH = 8_192

/** Lengths to which the values of long headers are cut, where all together are too long. */
const CUTS = [1_024, 256]

const LEAST_SECRET = 32

const SECRET = passing<string>(
  `a text of ${LEAST_SECRET} characters or more, as of \`openssl rand -base64 32\``,
  (value) => typeof value === 'string' && value.length >= LEAST_SECRET,
)

/** What `onBehalf` takes. */
export const ON_BEHALF_OPTIONS = group<OnBehalfOptions>()(
  {
    secret: needed(
      either(SECRET, list(SECRET, { min: 1, max: 4 }), (value) => !Array.isArray(value)),
      'secret: process.env.ON_BEHALF_SECRET',
    ),
    onIgnored: func<NonNullable<OnBehalfOptions['onIgnored']>>('it hears what is not believed'),
  },
  { secrets: 'secret', key: 'secret', keyring: 'secret', onRefused: 'onIgnored' },
)

/** What is told of the browser. Everything else is of the request that is made for the person. */
const TOLD: readonly string[] = [...RELEVANT_HEADERS, 'origin', 'sec-fetch-user']
const IS_TOLD: ReadonlySet<string> = new Set(TOLD)

/** What is sealed. */
interface Sealed extends Pick<Person, 'method' | 'ip' | 'https' | 'tls'> {
  readonly at: number
  /** Digest of the token. Empty: there was none. */
  readonly token: string
  readonly headers: Readonly<Record<string, string>>
  readonly client?: ClientFacts
}

export function onBehalfOf(
  options: OnBehalfOptions | undefined,
  {
    checks,
    describe,
    now,
    warn,
  }: {
    readonly checks: Pick<EntryChecks, 'clientOf' | 'tokenIn'>
    readonly describe: DescribeRequest
    readonly now: () => number
    readonly warn: Warn
  },
): OnBehalf {
  if (options === undefined) return NOBODY
  const { onIgnored = () => warn('onBehalfIgnored') } = options
  const keys = derivedKeys([options.secret].flat())

  async function opened(facts: HttpFacts): Promise<Sealed | IgnoredOnBehalf['reason']> {
    const text = facts.header(ON_BEHALF_HEADER)
    if (typeof text !== 'string' || text.length > MAX_LENGTH || !text.startsWith(PREFIX)) {
      return 'malformed'
    }
    const bytes = fromBase64url(text.slice(PREFIX.length))
    if (bytes === undefined || bytes.length <= NONCE_BYTES) return 'malformed'
    const sealed = await unsealed(await keys(), bytes)
    if (sealed === undefined) return 'forged'
    const age = now() - sealed.at
    if (age > LIFE_MS || age < -SKEW_MS) return 'expired'
    const shown = await digestOf(checks.tokenIn(facts))
    return sameText(sealed.token, shown) ? sealed : 'other_token'
  }

  async function believed(facts: HttpFacts): Promise<HttpFacts> {
    const sealed = await opened(facts)
    if (typeof sealed === 'string') {
      onIgnored({ reason: sealed, method: facts.method, url: facts.url })
      return facts
    }
    const { method, ip, https, tls, client, headers } = sealed
    return {
      ...facts,
      header: (name) => (IS_TOLD.has(name) ? headers[name] : facts.header(name)),
      person: { method, ip, https, tls, client, hop: facts },
    }
  }

  function personOf(facts: HttpFacts): Promise<HttpFacts> | undefined {
    return facts.header(ON_BEHALF_HEADER) === undefined ? undefined : believed(facts)
  }

  return {
    personOf,

    async forwardedFacts(facts) {
      const [key] = await keys()
      if (key === undefined) return {}
      const person = (await personOf(facts)) ?? facts
      const { ip, https, tls } = checks.clientOf(person)
      const { client } = describe(person, { ip, tls })
      const about = {
        at: now(),
        token: await digestOf(checks.tokenIn(person)),
        method: person.person?.method ?? person.method,
        ip,
        https: https ?? person.encrypted,
        tls,
        ...(client === undefined ? {} : { client }),
      }
      for (const most of CUTS) {
        const sealed = await sealedText(key, { ...about, headers: toldBy(person, most) })
        if (sealed.length <= MAX_LENGTH) return { [ON_BEHALF_HEADER]: sealed }
      }
      return {}
    },
  }
}

const NOBODY: OnBehalf = {
  personOf: () => undefined,
  async forwardedFacts() {
    throw new SessionError(
      'config_invalid',
      'Set the option `onBehalf`, here and where the request goes, to ask for a person.',
    )
  },
}

function toldBy({ header }: HttpFacts, most: number): Sealed['headers'] {
  const headers: Record<string, string> = {}
  for (const name of TOLD) {
    const value = header(name)
    if (value !== undefined) headers[name] = cut(headerText(value), most)
  }
  return headers
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Another use of the same secret gets another key. */
const PURPOSE = encoder.encode('holdfast on-behalf v1')

/** Derived when they are needed first. */
function derivedKeys(secrets: readonly string[]): () => Promise<readonly CryptoKey[]> {
  let derived: Promise<readonly CryptoKey[]> | undefined
  return () => {
    derived ??= Promise.all(secrets.map(keyOf))
    return derived
  }
}

async function keyOf(secret: string): Promise<CryptoKey> {
  const { subtle } = crypto
  const base = await subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, ['deriveKey'])
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info: PURPOSE }
  const kind = { name: 'AES-GCM', length: 256 }
  return subtle.deriveKey(derivation, base, kind, false, ['encrypt', 'decrypt'])
}

async function sealedText(key: CryptoKey, sealed: Sealed): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const plain = encoder.encode(JSON.stringify(sealed))
  const cipher = await crypto.subtle.encrypt(aesWith(nonce), key, plain)
  const bytes = new Uint8Array(NONCE_BYTES + cipher.byteLength)
  bytes.set(nonce)
  bytes.set(new Uint8Array(cipher), NONCE_BYTES)
  return `${PREFIX}${toBase64url(bytes)}`
}

/** Undefined: sealed with another key, or changed since. */
async function unsealed(
  keys: readonly CryptoKey[],
  bytes: Uint8Array,
): Promise<Sealed | undefined> {
  const [nonce, cipher] = [bytes.slice(0, NONCE_BYTES), bytes.slice(NONCE_BYTES)]
  for (const key of keys) {
    const plain = await crypto.subtle.decrypt(aesWith(nonce), key, cipher).catch(() => undefined)
    if (plain !== undefined) return JSON.parse(decoder.decode(plain))
  }
  return undefined
}

function aesWith(iv: Uint8Array<ArrayBuffer>): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: PURPOSE }
}

async function digestOf(token: string | undefined): Promise<string> {
  if (token === undefined) return ''
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(token))
  return toBase64url(new Uint8Array(digest))
}
