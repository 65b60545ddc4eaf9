import { parseAddress, prefixText } from '../network/address.ts'
import type { Factors } from './factors.ts'

/**
 * Wrong codes from one network within {@link WINDOW_MS}, after which none is looked at from there.
 */
const MOST_A_PLACE = 10
const WINDOW_MS = 5 * 60_000

/**
 * Wrong codes in a row from everywhere, after which codes count only where a factor was proved
 * before (NIST SP 800-63B-4, section 3.2.2: at most 100). Passkeys and recovery codes cannot be
 * guessed: they always count.
 */
const MOST_IN_A_ROW = 100

const MOST_RECENT = 64
const MOST_PLACES = 8

type Wrong = Factors['wrong']

/** The network that a request comes from: an address of it costs nothing to change. */
export function networkOf(ip: string | null): string {
  const address = ip === null ? undefined : parseAddress(ip)
  if (address === undefined) return 'unknown'
  return prefixText(address, address.family === 4 ? 24 : 64)
}

/**
 * Whether a code from this place is looked at: who guesses elsewhere keeps nobody from proving
 * themself at home.
 */
export function mayGuess({ wrong, places }: Factors, place: string, at: number): boolean {
  const here = wrong.recent.filter((one) => one.place === place && at - one.at < WINDOW_MS)
  if (here.length >= MOST_A_PLACE) return false
  return wrong.count < MOST_IN_A_ROW || places.includes(place)
}

/** One more wrong code. Only the newest are told apart by place; the count goes on. */
export function withWrong({ wrong }: Factors, place: string, at: number): Wrong {
  const recent = wrong.recent.filter((one) => at - one.at < WINDOW_MS)
  return { count: wrong.count + 1, recent: [...recent, { place, at }].slice(-MOST_RECENT) }
}

/** A factor was proved here: the row of wrong codes is over. */
export function afterProof(
  { wrong, places }: Factors,
  place: string,
): Pick<Factors, 'wrong' | 'places'> {
  return {
    wrong: { count: 0, recent: wrong.recent.filter((one) => one.place !== place) },
    places: [...places.filter((one) => one !== place), place].slice(-MOST_PLACES),
  }
}
