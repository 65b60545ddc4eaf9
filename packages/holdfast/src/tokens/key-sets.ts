import { boundedText } from '../client/bounded-text.ts'
import { fetchUntil } from '../client/fetch-until.ts'
import type { Duration } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import { clock, duration, func, needed, withDefault, words } from '../core/option-kinds.ts'
import { checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import { keysOf, type VerificationKey } from './verification-key.ts'

/** Where a verifier gets its keys. */
export interface KeySet {
  /**
   * The key of a `kid`, synchronously where it is known; undefined where the set has none. Throws
   * or rejects with `keys_unavailable` when there is no set to search.
   */
  find(kid: string): VerificationKey | undefined | Promise<VerificationKey | undefined>
}

/**
 * A key set that does not change, from a file or a test. Throws `config_invalid` for a set without
 * a usable key.
 *
 * @example
 * const keys = keySet(JSON.parse(readFileSync('jwks.json', 'utf8')))
 */
export function keySet(jwks: { readonly keys: readonly unknown[] }): KeySet {
  const keys = keysOf(jwks)
  if (typeof keys === 'string') {
    throw new SessionError('config_invalid', `The key set cannot be used: ${keys}.`)
  }
  return { find: (kid) => keys.get(kid) }
}

/** Where the authority publishes its keys, and how often they are fetched. */
export interface RemoteKeySetOptions {
  /** For example `http://127.0.0.1:4600/.well-known/jwks.json`. */
  readonly url: string
  /**
   * Shortest time between two attempts, however many tokens name unknown keys: 1 s to 1 day,
   * default 30 s.
   */
  readonly coolDown?: Duration
  /**
   * An older set is fetched again, and serves meanwhile; from twice that age on, it does only where
   * the fetch fails: 1 s to 1 day, default 5 minutes.
   */
  readonly maxAge?: Duration
  /** Instead of the platform's own. */
  readonly fetch?: typeof fetch
  readonly now?: () => number
}

type Keys = ReadonlyMap<string, VerificationKey>

/** How long the last good set serves when the authority cannot be reached. */
const LAST_GOOD_MS = 86_400_000
/** Shortest time between two attempts while there is no set, for a service that starts first. */
const FIRST_SET_MS = 1_000
const TIMEOUT_MS = 10_000
const MAX_BYTES = 262_144

const waits = { min: 1_000, max: LAST_GOOD_MS }

/** The options of `remoteKeySet()`. */
export const KEY_SET_OPTIONS = {
  of: 'remoteKeySet()',
  fields: {
    url: needed(words('an http or https URL'), "url: 'https://auth.example/.well-known/jwks.json'"),
    coolDown: withDefault(duration(waits), 30_000),
    maxAge: withDefault(duration(waits), 300_000),
    fetch: func<typeof fetch>('it asks in place of the platform'),
    now: clock,
  } satisfies OptionsOf<RemoteKeySetOptions>,
  aliases: {
    coolDownMs: 'coolDown',
    cooldown: 'coolDown',
    cooldownDuration: 'coolDown',
    maxAgeMs: 'maxAge',
    cacheMaxAge: 'maxAge',
    jwksUri: 'url',
    uri: 'url',
  },
} satisfies OptionTable

/**
 * The key set of an authority, kept and renewed. There is one request at a time, none within the
 * cool-down of the last. A known key waits for one only where nobody asked for long. An answer
 * that cannot be fetched or used changes nothing: the last good set serves for 24 h. There is no
 * timer: a look-up causes the request.
 *
 * Throws `config_invalid` for an address that can never work.
 *
 * @example
 * const keys = remoteKeySet({ url: 'https://auth.example/.well-known/jwks.json' })
 */
export function remoteKeySet(options: RemoteKeySetOptions): KeySet {
  const { coolDown: coolDownMs, maxAge: maxAgeMs, ...given } = checked(KEY_SET_OPTIONS, options)
  const { now = () => Date.now() } = given
  const url = addressOf(given.url)

  let good: { readonly keys: Keys; readonly at: number } | undefined
  let tried = Number.NEGATIVE_INFINITY
  let failure: unknown
  let asking: Promise<void> | undefined

  async function renew(at: number): Promise<void> {
    try {
      const keys = await fetchKeys(url, { known: good?.keys, fetch: options.fetch })
      good = { keys, at }
      failure = undefined
    } catch (cause) {
      failure = cause
    } finally {
      asking = undefined
    }
  }

  /** Undefined during the cool-down. */
  function ask(at: number): Promise<void> | undefined {
    if (asking !== undefined) return asking
    const wait = usable(at) === undefined ? Math.min(coolDownMs, FIRST_SET_MS) : coolDownMs
    const since = at - tried
    // below 0 the clock was set back
    if (since >= 0 && since < wait) return undefined
    tried = at
    asking = renew(at)
    return asking
  }

  function usable(at: number): Keys | undefined {
    return good !== undefined && at - good.at < LAST_GOOD_MS ? good.keys : undefined
  }

  async function findAnew(kid: string, at: number): Promise<VerificationKey | undefined> {
    await ask(at)
    const keys = usable(at)
    if (keys !== undefined) return keys.get(kid)
    throw new SessionError('keys_unavailable', `There is no usable key set from ${url}.`, {
      cause: failure,
    })
  }

  return {
    find(kid) {
      const at = now()
      const key = usable(at)?.get(kid)
      const age = good === undefined ? 0 : Math.abs(at - good.at)
      // Nobody asked for long: what was withdrawn meanwhile must not count. In an outage it does.
      const isOutage = failure !== undefined && Math.abs(at - tried) < 2 * maxAgeMs
      const mayWait = age >= 2 * maxAgeMs && !isOutage
      if (key === undefined || mayWait) return findAnew(kid, at)
      // nobody waits, and renew() does not reject
      if (age >= maxAgeMs) void ask(at)
      return key
    },
  }
}

async function fetchKeys(
  url: string,
  {
    known,
    fetch: fetcher = fetch,
  }: { readonly known: Keys | undefined; readonly fetch: typeof fetch | undefined },
): Promise<Keys> {
  const response = await fetchUntil(fetcher, url, {
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: { accept: 'application/jwk-set+json, application/json' },
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`The key set was answered with status ${response.status}.`)
  }
  const text = await boundedText(response, MAX_BYTES)
  if (text === undefined) throw new Error(`The key set has more than ${MAX_BYTES} bytes.`)
  const keys = keysOf(JSON.parse(text), known)
  if (typeof keys === 'string') throw new Error(`The key set cannot be used: ${keys}.`)
  return keys
}

function addressOf(url: string): string {
  if (URL.canParse(url)) {
    const { protocol, username, password, href } = new URL(url)
    if (/^https?:$/.test(protocol) && username === '' && password === '') return href
  }
  throw misconfigured('url', 'must be an http or https URL without credentials')
}

function misconfigured(field: string, problem: string): SessionError {
  return new SessionError('config_invalid', `${field} of a key set ${problem}.`)
}
