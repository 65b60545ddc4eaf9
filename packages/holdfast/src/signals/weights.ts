/**
 * Every weight of the starter table, in decibans (+10: ten times likelier if hijacked), under the code of the
 * reason that carries it.
 *
 * Source: the pilot fit of 2026-11 on 600 simulated users of two months each, rounded, clipped to
 * [{@link LEAST}, {@link MOST}] and softened where published figures know more than the simulator.
 * Exceptions name their own source.
 */
export const WEIGHTS = {
  // N: where the network stands, on the ladder from "the same" to "another country".
  network_same_address: -15,
  network_same_prefix: -6,
  network_same_block: -8,
  network_same_asn: 0,
  network_same_asn_far: 4,
  network_asn_known: 9,
  relay_known: -4,
  relay_new: 5,
  hosting_known: 12,
  hosting_new: 24,
  hosting_foreign: 30,
  satellite_network: 3,
  network_new_near: 10,
  network_new_far: 12,
  country_new_mobile: 7,
  country_new_clock_moved: 8,
  // Not in the fit: between the two cells that need a clock, until a benchmark measures it.
  country_new_clock_unknown: 20,
  country_new_clock_unmoved: 26,
  timezone_changed: 12,
  travel_infeasible: 6,

  // D: how the device differs.
  device_identical: -2,
  browser_updated: -14,
  screen_known: -2,
  // Fitted 24; but 10 % of browsers change their resolution every 3 days (FP-STALKER, IEEE S&P 2018, table II).
  screen_new: 6,
  browser_downgraded: 15,
  browser_jumped: 3,
  language_changed: 20,
  platform_changed: 15,
  hints_missing: 28,
  hints_contradictory: 28,
  not_a_browser: 30,
  // Not in the fit: as another browser, which it is whatever it calls itself.
  tls_changed: 15,

  // B: what the holder does. A sensitive route counts at most twice.
  sensitive_unconfirmed: 8,
  step_up_failed: 15,
  // Not in the fit. Doubled from ten failures on: anybody can make somebody's logins fail.
  logins_failed: 3,
  // 90 % of residential proxies relay for at most 870 s ("Resident Evil", IEEE S&P 2019). Not in the fit.
  network_hopping: 16,
  hour_unusual: 3,
  sensitive_burst: 8,

  // R: proof that two parties hold one secret; not a passive observation, so not clipped.
  secret_forked: 60,
} as const

/**
 * C: two clients that take turns, by what the pair is: the first return within ten minutes, and all of them together
 * from the second on. `confirmed`: both ends, or a VPN or corporate egress at one of them. Not in the fit.
 */
export const INTERLEAVED = {
  relay: [0, 3],
  provider: [3, 8],
  confirmed: [3, 8],
  handover: [9, 20],
  unrelated: [18, 30],
} as const

/** All behaviour on one context's account weighs no more, dB; step-ups that failed count apart. */
export const MOST_BEHAVIOUR = 16

/** No single passive observation weighs more, dB. */
export const MOST = 30

/** No single passive observation exonerates more, dB. */
export const LEAST = -15
