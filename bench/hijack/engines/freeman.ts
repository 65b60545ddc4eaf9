import type { Rule, Seen } from './rule.ts'

/**
 * Freeman et al., NDSS 2016, in the form of the das-group study: how common a value is among all,
 * over how common it is for this user; addresses with provider and country, agents with browser and
 * system, at the weights of the study. It was made for logins; here every change of address or
 * agent counts as one.
 */
export function freeman(population: Population): Rule<State> {
  return {
    name: 'Freeman et al., tuned',
    begin: () => ({ past: [], last: [] }),
    copy: ({ past, last }) => ({ past: [...past], last: [...last] }),
    score({ past, last }, seen) {
      const before = last[seen.device]
      if (
        before === undefined ||
        (before.address === seen.address && agentOf(before) === agentOf(seen))
      )
        return Number.NEGATIVE_INFINITY
      const recent = past.filter(({ at }) => seen.at - at < HISTORY_MS)
      return FEATURES.reduce(
        (sum, feature) => sum + relation(feature, seen, { recent, population }),
        0,
      )
    },
    served(state, seen) {
      const before = state.last[seen.device]
      state.last[seen.device] = seen
      if (
        before !== undefined &&
        before.address === seen.address &&
        agentOf(before) === agentOf(seen)
      )
        return
      state.past.push(seen)
      if (state.past.length > MOST_KEPT) state.past.shift()
    },
  }
}

interface State {
  readonly past: Seen[]
  readonly last: (Seen | undefined)[]
}

const HISTORY_MS = 30 * 86_400_000
const MOST_KEPT = 300

type Part = readonly [weight: number, of: (seen: Seen) => string]

const FEATURES: readonly (readonly Part[])[] = [
  [
    [0.6, ({ address }) => address],
    [0.3, ({ place }) => `AS${place.asn}`],
    [0.1, ({ place }) => `in ${place.country}`],
  ],
  [
    [0.54, agentOf],
    [0.27, ({ facts: { shown } }) => `${shown.family} ${shown.version}`],
    [0.19, ({ facts: { shown } }) => `on ${shown.system}`],
  ],
]

function agentOf({ facts }: Seen): string {
  return facts.headers['user-agent'] ?? ''
}

function relation(
  parts: readonly Part[],
  seen: Seen,
  { recent, population }: { readonly recent: readonly Seen[]; readonly population: Population },
): number {
  let [everybody, own] = [0, 0]
  for (const [weight, of] of parts) {
    const value = of(seen)
    const share = population.shareOf(value)
    const mine = recent.filter((past) => of(past) === value).length / Math.max(1, recent.length)
    everybody += weight * share
    // the study leaves values that the user never had to a quarter of what they are for all
    own += weight * (mine > 0 ? mine : share / 4)
  }
  return 10 * Math.log10(everybody / own)
}

/** How common a value is among all users. */
export interface Population {
  shareOf(value: string): number
}

export function populationOf(seen: Iterable<Seen>): Population {
  const counts = new Map<string, number>()
  let total = 0
  for (const each of seen) {
    total++
    for (const [, of] of FEATURES.flat()) counts.set(of(each), (counts.get(of(each)) ?? 0) + 1)
  }
  return { shareOf: (value) => ((counts.get(value) ?? 0) + 0.5) / (total + 1) }
}
