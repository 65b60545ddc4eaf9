import { createHash } from 'node:crypto'
import type { Code } from 'holdfast'
import { isPublic, prefixText, translatedAddress } from 'holdfast/network'
import type { Config } from '../config/schema.ts'
import type { Metrics } from './metrics.ts'
import type { SampledWarn } from './sampled-log.ts'

/**
 * Slows down who shows tokens and keys that nobody has. What holds is never limited: it is judged
 * first, and only a refusal counts.
 */
export interface GuessLimits {
  /**
   * A token was refused with this code. Seconds to wait, and to be told instead of the refusal; 0
   * where the refusal may be told.
   */
  token(refused: {
    readonly code: Code
    /** Of the client. */
    readonly ip: string | null
    /** The name of the key by which the client's token came. */
    readonly caller: string | null
  }): number
  /** An API key was missing or wrong; `address` is that of the caller. Answers as above. */
  key(address: string | null): number
}

export interface GuessLimitOptions {
  readonly limits: Pick<Config, 'guessLimit' | 'callerGuessLimit'>
  readonly now: () => number
  readonly random: (size: number) => Uint8Array
  readonly metrics: Pick<Metrics, 'guessed'>
  readonly warn: SampledWarn
  /** Hears of each guess that is answered 429. Must not throw. */
  readonly onLimited: (limited: GuessesLimited) => void
}

/** Who guesses, by the name that is limited. */
export interface GuessesLimited {
  readonly of: 'token' | 'key'
  readonly by: 'network' | 'caller'
  /** The network, or the name of the key of a caller. */
  readonly name: string
  readonly ip: string | null
}

/** Nobody is limited. */
export const NO_GUESS_LIMITS: GuessLimits = { token: () => 0, key: () => 0 }

/**
 * The codes of tokens that are forged, or garbage. That of a session which has ended is authentic:
 * it is no guess, and its holder has to hear that he is logged out.
 */
const GUESSES: ReadonlySet<Code> = new Set(['token_malformed', 'token_key_unknown'])

/** 2 MB. A thousand guessers share both places with one in 17,000 others. */
const NETWORK_PLACES = 262_144
const CALLER_PLACES = 1_024

export function guessLimits(options: GuessLimitOptions): GuessLimits {
  const { limits, now, metrics, warn, onLimited } = options
  const seed = Buffer.from(options.random(16)).toString('latin1')
  const ofTokens = limiter(limits.guessLimit, NETWORK_PLACES)
  const ofKeys = limiter(limits.guessLimit, NETWORK_PLACES)
  const ofCallers = limiter(limits.callerGuessLimit, CALLER_PLACES)

  function waitOf(limit: Limiter, limited: GuessesLimited): number {
    const { of, by, name } = limited
    const waitMs = limit(placesOf(seed + name), now())
    if (waitMs === 0) return 0
    warn(`guesses of a ${of} by ${by}`, { of, by, [by]: name }, FINDING)
    onLimited(limited)
    return Math.max(1, Math.ceil(waitMs / 1_000))
  }

  return {
    token({ code, ip, caller }) {
      if (!GUESSES.has(code)) return 0
      const network = publicNetworkOf(ip)
      const byNetwork =
        network === undefined
          ? 0
          : waitOf(ofTokens, { of: 'token', by: 'network', name: network, ip })
      // What one network is limited for must not use up what all others have together.
      const wait =
        byNetwork > 0
          ? byNetwork
          : waitOf(ofCallers, { of: 'token', by: 'caller', name: caller ?? 'gate', ip })
      metrics.guessed({ of: 'token', limited: wait > 0 })
      return wait
    },
    key(address) {
      const name = networkOf(address) ?? 'unknown'
      const wait = waitOf(ofKeys, { of: 'key', by: 'network', name, ip: address })
      metrics.guessed({ of: 'key', limited: wait > 0 })
      return wait
    },
  }
}

const FINDING =
  'guesses are answered 429: too many tokens or keys that nobody has come from one place'

/**
 * Undefined for inside addresses: where a proxy is not trusted yet, they are all clients at once.
 */
function publicNetworkOf(ip: string | null): string | undefined {
  const address = translatedAddress(ip)
  return address !== undefined && isPublic(address) ? networkOf(ip) : undefined
}

/** IPv6 by /64, which one customer has. */
function networkOf(ip: string | null): string | undefined {
  const address = translatedAddress(ip)
  if (address === undefined) return undefined
  return prefixText(address, address.family === 4 ? 32 : 64)
}

type Places = readonly [number, number]

/** Two, under a secret of the process: nobody can aim at the places of somebody else. */
function placesOf(name: string): Places {
  const digest = createHash('sha256').update(name, 'latin1').digest()
  return [digest.readUInt32BE(0), digest.readUInt32BE(4)]
}

/** Counts one guess, if it is within the limit. Milliseconds to wait otherwise. */
type Limiter = (places: Places, at: number) => number

/**
 * The generic cell rate algorithm (ITU-T I.371) over a fixed number of places: memory does not grow
 * with the number of guessers. Somebody is limited whose two places both are.
 */
function limiter(limit: Config['guessLimit'], count: number): Limiter {
  if (limit === 'off') return () => 0
  const everyMs = 60_000 / limit.perMinute
  const toleranceMs = everyMs * (limit.burst - 1)
  /** When each place is next at rest, if nothing comes. */
  const restAt = new Float64Array(count)

  function waitOf(place: number, at: number): number {
    const ahead = (restAt[place % count] ?? 0) - at
    // More than a whole burst ahead, the clock was set back: the place begins anew.
    if (ahead <= toleranceMs || ahead > toleranceMs + everyMs) return 0
    return ahead - toleranceMs
  }

  function take(place: number, at: number): void {
    const rest = restAt[place % count] ?? 0
    const from = rest > at + toleranceMs + everyMs ? at : Math.max(rest, at)
    restAt[place % count] = from + everyMs
  }

  return (places, at) => {
    const waits = places.map((place) => waitOf(place, at))
    for (const [i, place] of places.entries()) if (waits[i] === 0) take(place, at)
    return Math.min(...waits)
  }
}
