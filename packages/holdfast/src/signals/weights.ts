/**
 * Every weight of the starter table, in decibans (+10: ten times likelier if hijacked), under the
 * code of the reason that carries it.
 *
 * Source: 10 log10 P(code | thief) / P(code | owner) at changes of context, over 500 simulated
 * people of two months and the thieves of `docs/detection.md`, as counted in
 * `bench/hijack/training-counts.json` on 2026-11-28, rounded, and clipped to {@link LEAST} and
 * {@link MOST}. A weight more than 3 dB from that is among {@link DEPARTURES}, with its reason. A
 * test compares.
 */
export const WEIGHTS = {
  // N: where the network stands, on the ladder from "the same" to "another country".
  network_same_address: -15,
  network_same_prefix: -7,
  network_same_block: -7,
  network_same_asn: 0,
  network_same_asn_far: 3,
  network_asn_known: 7,
  relay_known: -4,
  relay_new: 5,
  hosting_known: 11,
  hosting_new: 24,
  hosting_foreign: 30,
  satellite_network: 3,
  network_new_near: 8,
  network_new_far: 8,
  country_new_mobile: 7,
  country_new_clock_moved: 8,
  country_new_clock_unknown: 20,
  country_new_clock_elsewhere: 20,
  country_new_clock_unmoved: 26,
  timezone_changed: 16,
  travel_infeasible: 6,

  // D: how the device differs.
  device_identical: -2,
  browser_updated: -14,
  screen_known: -2,
  screen_new: 6,
  facts_missing: 6,
  browser_downgraded: 13,
  browser_jumped: 3,
  language_changed: 22,
  platform_changed: 20,
  hints_missing: 28,
  hints_contradictory: 28,
  not_a_browser: 30,
  tls_changed: 15,

  // B: what the holder does. A sensitive route counts at most twice.
  sensitive_unconfirmed: 8,
  step_up_failed: 15,
  // Doubled from ten failures on: anybody can make somebody's logins fail.
  logins_failed: 3,
  // 90 % of residential proxies relay for at most 870 s ("Resident Evil", IEEE S&P 2019).
  network_hopping: 16,
  hour_unusual: 3,

  // R: proof that two parties hold one secret. It is no passive observation, so it is not clipped.
  secret_forked: 60,
  // Ten minutes after the first successor was sent, somebody still shows the secret before.
  secret_overdue: 4,
} as const

const NO_SUCH_THIEF = 'the simulated thieves never do it, real ones do'
const NOT_SIMULATED = 'not simulated'

/** Weights that are not what the training counts give, and why. */
export const DEPARTURES: Readonly<Partial<Record<keyof typeof WEIGHTS, string>>> = {
  network_same_asn: 'the neutral step of the ladder',
  relay_known: NO_SUCH_THIEF,
  relay_new: 'too rare in the counts',
  satellite_network: NOT_SIMULATED,
  hosting_known: 'without the scripts, which other evidence finds, the counts give less',
  country_new_mobile: 'too rare in the counts; roaming is common where people travel more',
  country_new_clock_moved:
    'every traveller has the clock of the place, as a thief at home has: journey and device tell',
  country_new_clock_unknown:
    'between the two cells that know the clock: every simulated owner tells it',
  travel_infeasible: 'comes on top of the cell of its network, which has most of it already',
  device_identical: 'comes with known networks, which have most of it already',
  screen_known: 'a clone copies the screen of the moment',
  screen_new:
    'one browser in ten changes its screen within three days (FP-STALKER), more than the simulated',
  facts_missing:
    'as much as another screen: all simulated owners tell their facts, real cookies are cleared',
  browser_jumped: 'the simulated owners who do it have an extension that makes up agents',
  language_changed:
    'no simulated owner has two languages; alone it asks for no step-up, whoever changes it',
  platform_changed:
    'no simulated owner has an app that hands its session to a web view, or tries devices out',
  hints_contradictory: NOT_SIMULATED,
  tls_changed: 'not simulated; as another browser, which it is whatever it calls itself',
  sensitive_unconfirmed: 'counted over routes, not over changes of context',
  step_up_failed:
    'thieves fail, owners mistype: counted over step-ups, not over changes of context',
  logins_failed: NOT_SIMULATED,
  network_hopping: 'known to the third exit only; the counts are of first requests',
  hour_unusual: 'the simulated owners never change their hours',
  secret_forked: 'a proof, not an observation',
  secret_overdue: 'counted over requests, not over changes of context',
}

/**
 * Weights of reasons that the rest of their cell explains, dB. Travel within the usual countries
 * comes with a network that is new there, which has most of the weight already, and the data often
 * puts a network into the wrong town. Telephones and VPNs of travellers leave through networks at
 * home, and a large country has several zones.
 */
export const EXPLAINED = { travel_infeasible: 3, timezone_changed: 3 } as const

/**
 * C: two clients that take turns, by the kind of the pair. The first number is for the first return
 * within ten minutes, the second for all returns together from the second on. `confirmed`: both
 * sides are confirmed, or a VPN or a corporate egress on one side is. Not fitted to the counts.
 */
export const INTERLEAVED = {
  relay: [0, 3],
  provider: [3, 8],
  confirmed: [3, 8],
  // With 20 for the second, owners at the edge of their Wi-Fi would pay more than the thieves that
  // it finds are worth.
  handover: [6, 14],
  unrelated: [18, 30],
} as const

/** All behaviour in one context weighs no more than this, dB. Failed step-ups count apart. */
export const MOST_BEHAVIOUR = 16

/** No single passive observation weighs more than this, dB. */
export const MOST = 30

/** No single passive observation exonerates more than this, dB. */
export const LEAST = -15

/**
 * What a client claims exonerates no more than this on a network that nobody has confirmed, dB: any
 * thief can claim it, a newer version as easily as the same.
 */
export const LEAST_CLAIMED = -2

/**
 * The share of what was seen fewer than 20 times among the owners' changes. It is taken for 20, so
 * that one change does not say too much.
 */
export const RARE = 0.00018

/**
 * The share of each change that may be somebody's habit among all changes of owners in the training
 * counts. {@link RARE} where too few were seen. A test compares.
 */
export const USUAL = {
  network_same_asn_far: 0.0376,
  network_asn_known: 0.0029,
  relay_new: RARE,
  hosting_known: 0.0013,
  hosting_new: RARE,
  hosting_foreign: 0.00023,
  satellite_network: RARE,
  network_new_near: 0.0158,
  network_new_far: 0.006,
  country_new_mobile: RARE,
  country_new_clock_moved: 0.00051,
  country_new_clock_unknown: RARE,
  country_new_clock_elsewhere: RARE,
  country_new_clock_unmoved: 0.00022,
} as const satisfies Partial<Record<keyof typeof WEIGHTS, number>>

export function isUsual(reason: string): reason is keyof typeof USUAL {
  return Object.hasOwn(USUAL, reason)
}

/**
 * Evidence of this weight or more, dB, is softened from the second time on, and by no more than
 * {@link MOST_SOFTENED}.
 */
export const STRONG = 20

/**
 * A habit takes no more than this off strong evidence, dB. A copy of a traveller's browser abroad,
 * or behind a data centre, is still watched, and one more suspicion asks for a step-up.
 */
export const MOST_SOFTENED = 10

/**
 * A habit leaves at least this of what is new, dB. It is told and counted, and does not yet speak
 * for the owner.
 */
export const LEAST_SOFTENED = 1
