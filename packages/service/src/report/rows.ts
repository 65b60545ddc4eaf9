import { CAUSES_OF_ROUTES, type Judgement } from './judgements.ts'
import type { RecordedEvent } from './recorded.ts'

/** One kind of event in the report. */
export interface Row {
  readonly about: string
  /** Only a sample of them is in a log. */
  readonly sampled?: true
}

/** A row that counts judgements: by the reasons of the decision, any of them. */
export interface ReasonRow extends Row {
  readonly reasons: readonly string[]
  /** Also where no reason tells. */
  readonly also?: (judgement: Judgement) => boolean
}

/**
 * Changes of network and place. Relays, data centres and new countries are recognised by their
 * reasons.
 */
export const NETWORK: readonly ReasonRow[] = [
  {
    about: 'another prefix of the same provider',
    reasons: ['network_same_block', 'network_same_asn', 'network_same_asn_far'],
    also: isSameProvider,
  },
  { about: 'a provider that the user has used', reasons: ['network_asn_known'] },
  {
    about: 'a new provider in a known country',
    reasons: ['network_new_near', 'network_new_far'],
  },
  { about: 'a new country, its clock', reasons: ['country_new_clock_moved'] },
  { about: 'a new country, the clock of home', reasons: ['country_new_clock_unmoved'] },
  { about: 'a new country, a third clock', reasons: ['country_new_clock_elsewhere'] },
  { about: 'a new country, clock unknown', reasons: ['country_new_clock_unknown'] },
  { about: 'a new country, roaming', reasons: ['country_new_mobile'] },
  { about: 'the clock alone', reasons: ['timezone_changed'] },
  { about: 'a journey nobody makes', reasons: ['travel_infeasible', 'travel_impossible'] },
  {
    about: 'a data centre, VPN or Tor',
    reasons: ['hosting_known', 'hosting_new', 'hosting_foreign'],
  },
  { about: 'a relay', reasons: ['relay_known', 'relay_new'] },
  { about: 'a satellite network', reasons: ['satellite_network'] },
]

/** Changes of the device. Where nothing else changed the log has one an hour and session. */
export const DEVICE: readonly ReasonRow[] = [
  { about: 'a browser update', reasons: ['browser_updated'], sampled: true },
  {
    about: 'another screen',
    reasons: ['screen_new', 'screen_known', 'facts_missing'],
    sampled: true,
  },
  { about: 'another language', reasons: ['language_changed'], sampled: true },
  { about: 'a version back, or several on', reasons: ['browser_downgraded', 'browser_jumped'] },
  { about: 'another browser or system', reasons: ['platform_changed'] },
  { about: 'hints missing or contradictory', reasons: ['hints_missing', 'hints_contradictory'] },
  { about: 'a script', reasons: ['not_a_browser'] },
]

/** A row that counts events. */
export interface EventRow extends Row {
  readonly is: (event: RecordedEvent) => boolean
}

/** What became of secrets. */
export const SECRETS: readonly EventRow[] = [
  { about: 'a secret replaced', is: ({ type }) => type === 'secret-rotated' },
  { about: 'a fork', is: reused('secret_forked') },
  { about: 'a fork after a lost write', is: reused('store_rolled_back') },
  { about: 'a refresh token used by two', is: reused('refresh_reused') },
]

/** What the policy and the people did. */
export const ANSWERS: readonly EventRow[] = [
  {
    about: 'a context challenged',
    is: ({ type, reason }) =>
      type === 'step-up-required' && reason !== 'step_up_begun' && !isOfRoute(reason),
  },
  {
    about: 'a route that asked for more',
    is: ({ type, reason }) => type === 'step-up-required' && isOfRoute(reason),
    sampled: true,
  },
  {
    about: 'a step-up begun',
    is: ({ type, reason }) => type === 'step-up-required' && reason === 'step_up_begun',
  },
  { about: 'a step-up passed', is: ({ type }) => type === 'step-up-completed' },
  { about: 'a step-up failed', is: ({ type }) => type === 'step-up-failed' },
  { about: 'a session limited', is: ({ type }) => type === 'session-limited' },
  {
    about: 'a session revoked, but for logouts',
    is: ({ type, reason }) => type === 'session-revoked' && !isLeaving(reason),
  },
  {
    about: 'of these by the engine',
    is: ({ type, actor }) => type === 'session-revoked' && actor === 'engine',
  },
]

function isOfRoute(reason: string | null): boolean {
  return CAUSES_OF_ROUTES.has(reason ?? '')
}

/** Logged out, or in anew. */
function isLeaving(reason: string | null): boolean {
  return reason === 'logout' || reason === 'replaced_by_login' || reason === 'session_limit'
}

function reused(by: string): EventRow['is'] {
  return ({ type, reason }) => type === 'token-reused' && reason === by
}

/**
 * A change within a provider can weigh nothing and then has no reason. Where provider, browser and
 * system are as before and the context is another, the prefix has changed.
 */
function isSameProvider({ event, decision, before }: Judgement): boolean {
  if (event.type !== 'context-changed' || event.reason === 'device_changed') return false
  if (decision.because.some(({ group, weight }) => group === 'N' && weight !== 0)) return false
  const asn = event.network?.asn ?? null
  return (
    asn !== null &&
    asn === before?.network?.asn &&
    event.device?.family === before.device?.family &&
    event.device?.os === before.device?.os
  )
}
