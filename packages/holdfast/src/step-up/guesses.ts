import { prefixOf } from '../network/describe.ts'
import type { Factors } from './factors.ts'

/** The network of a request. Another address of the same network costs an attacker nothing. */
export function networkOf(ip: string | null): string {
  return prefixOf(ip, { v4: 24, v6: 64 }) ?? 'unknown'
}

/**
 * Whether a code from this network is looked at. Whoever guesses from elsewhere does not keep the
 * owner from proving a factor at home.
 */
export function mayGuess(
  { wrong, places: networks }: Factors,
  network: string,
  at: number,
): boolean {
  const here = wrong.recent.filter((one) => one.place === network && at - one.at < WINDOW_MS)
  if (here.length >= MAX_PER_NETWORK) return false
  return wrong.count < MAX_IN_A_ROW || networks.includes(network)
}

/** One more wrong code. Networks are kept of the newest ones alone; all of them are counted. */
export function withWrongCode({ wrong }: Factors, network: string, at: number): Factors['wrong'] {
  const recent = wrong.recent.filter((one) => at - one.at < WINDOW_MS)
  return { count: wrong.count + 1, recent: [...recent, { place: network, at }].slice(-MAX_RECENT) }
}

/** A factor was proved from this network: the row of wrong codes is over. */
export function afterProof(
  { wrong, places: networks }: Factors,
  network: string,
): Pick<Factors, 'wrong' | 'places'> {
  const others = networks.filter((one) => one !== network)
  return {
    wrong: { count: 0, recent: wrong.recent.filter((one) => one.place !== network) },
    places: [...others, network].slice(-MAX_NETWORKS),
  }
}

/** Wrong codes from one network within {@link WINDOW_MS}, after which no code from there counts. */
const MAX_PER_NETWORK = 10
const WINDOW_MS = 5 * 60_000

/**
 * Wrong codes in a row from everywhere, after which codes count only from networks where a factor
 * was proved before (NIST SP 800-63B-4, section 3.2.2: at most 100). Passkeys and recovery codes
 * cannot be guessed: they always count.
 */
const MAX_IN_A_ROW = 100

const MAX_RECENT = 64
const MAX_NETWORKS = 8
