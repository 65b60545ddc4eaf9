import type { Evidence, EvidenceGroup } from '../core/evidence.ts'

interface ReasonFacts {
  readonly group: EvidenceGroup
  /** A sentence; `{name}` stands for the value of that name in the evidence's detail. */
  readonly text: string
}

/** Every reason that a decision can give: its evidence group and the sentence that people read. */
export const REASONS = {
  network_same_address: { group: 'N', text: 'Same address as before: {here}.' },
  network_same_prefix: { group: 'N', text: 'Same line as before: {here}.' },
  network_same_block: { group: 'N', text: 'Same neighbourhood of the network as before: {here}.' },
  network_same_asn_far: {
    group: 'N',
    text: 'Same provider, but far from where it was used: {here}. Usual: {usual}.',
  },
  network_asn_known: {
    group: 'N',
    text: 'New to this session, but a provider that this user has used: {here}. Session: {usual}.',
  },
  relay_known: { group: 'N', text: 'Through a relay, as before: {here}.' },
  relay_new: { group: 'N', text: 'Through a relay for the first time: {here}. Usual: {usual}.' },
  hosting_known: {
    group: 'N',
    text: 'Another data centre or VPN, by somebody who uses one: {here}. Usual: {usual}.',
  },
  hosting_new: {
    group: 'N',
    text: 'A data centre or VPN for the first time: {here}. Usual: {usual}.',
  },
  hosting_foreign: {
    group: 'N',
    text: 'A data centre or VPN in a new country: {here}. Usual: {usual}.',
  },
  satellite_network: { group: 'N', text: 'New satellite network: {here}. Usual: {usual}.' },
  network_new_near: { group: 'N', text: 'New network in a usual place: {here}. Usual: {usual}.' },
  network_new_far: {
    group: 'N',
    text: 'New network far from the usual places: {here}. Usual: {usual}.',
  },
  country_new_mobile: {
    group: 'N',
    text: 'Mobile network in a new country: {here}. Usual: {usual}.',
  },
  country_new_clock_moved: {
    group: 'N',
    text: 'New country, and the clock keeps its time ({timezone}): {here}. Usual: {usual}.',
  },
  country_new_clock_unknown: {
    group: 'N',
    text: 'New country, and the clock does not tell which it is in: {here}. Usual: {usual}.',
  },
  country_new_clock_elsewhere: {
    group: 'N',
    text:
      'New country, and the clock keeps the time of neither it nor home ({timezone}): {here}. ' +
      'Usual: {usual}.',
  },
  country_new_clock_unmoved: {
    group: 'N',
    text: 'New country, but the clock keeps the time of home ({timezone}): {here}. Usual: {usual}.',
  },
  timezone_changed: {
    group: 'N',
    text: 'The clock moved to {timezone}, the network did not leave the country. Usual: {usual}.',
  },
  travel_infeasible: {
    group: 'N',
    text:
      'At least {atLeastKm} km from where it was used {minutes} minutes before: ' +
      'at least {atLeastKmh} km/h.',
  },

  device_identical: { group: 'D', text: 'Same browser and system as before: {here}.' },
  browser_updated: { group: 'D', text: 'The browser was updated: {here}. Before: {before}.' },
  screen_known: { group: 'D', text: 'A screen that was used before: {here}.' },
  screen_new: { group: 'D', text: 'Another screen: {here}. Before: {before}.' },
  facts_missing: {
    group: 'D',
    text: 'The page does not tell its screen and time zone, as this browser did before.',
  },
  browser_downgraded: {
    group: 'D',
    text: 'The browser went back a version: {here}. Before: {before}.',
  },
  browser_jumped: {
    group: 'D',
    text: 'The browser skipped several versions: {here}. Before: {before}.',
  },
  language_changed: {
    group: 'D',
    text: 'The preferred language changed: {here}. Before: {before}.',
  },
  platform_changed: { group: 'D', text: 'Another browser or system: {here}. Before: {before}.' },
  hints_missing: {
    group: 'D',
    text: 'The browser stopped describing itself: {here}. Before: {before}.',
  },
  hints_contradictory: {
    group: 'D',
    text: 'The browser contradicts itself: {here}. It also says: {hints}.',
  },
  tls_changed: {
    group: 'D',
    text: 'The TLS handshake is not the one that this browser made before: {here}.',
  },
  not_a_browser: {
    group: 'D',
    text: 'A script, or no browser that names itself: {here}. Before: {before}.',
  },

  switched_back: {
    group: 'C',
    text: 'The session came back to {here} within ten minutes of leaving it for {other}.',
  },
  interleaved: {
    group: 'C',
    text: 'Two clients take turns on this session: {here}, and {other}.',
  },

  secret_forked: {
    group: 'R',
    text: 'Two holders of one secret are proven: an older copy of it came back.',
  },

  secret_overdue: {
    group: 'R',
    text:
      'The secret should have been replaced {minutes} minutes ago: its holder does without the ' +
      'successors that the answers bring.',
  },

  evidence_carried: {
    group: 'B',
    text: 'Earlier evidence about this place and browser still counts: {left} of {was} dB.',
  },
  evidence_inherited: {
    group: 'B',
    text:
      'Another place or browser of this session is under challenge; ' +
      'a newcomer inherits its {left} dB.',
  },
  logins_failed: {
    group: 'B',
    text:
      'Logins as this user failed {failures} times within the hour, ' +
      'and this place and browser are new.',
  },
  network_hopping: {
    group: 'B',
    text:
      'One browser came from {networks} unrelated networks for the first time ' +
      'within half an hour.',
  },
  hour_unusual: {
    group: 'B',
    text: 'A new place and browser at an hour when this user is hardly ever here: {hour} h UTC.',
  },
  sensitive_unconfirmed: {
    group: 'B',
    text:
      'A sensitive action over a known network, ' +
      'but from a place and browser that nobody has confirmed.',
  },
  step_up_failed: { group: 'B', text: 'Step-ups failed from this place and browser: {failures}.' },

  signal_failed: {
    group: 'P',
    text: 'A signal failed on this request, so nothing new is trusted because of it.',
  },
  context_challenged: {
    group: 'P',
    text: 'This place and browser looked wrong before and have not passed a step-up since.',
  },
  travel_impossible: {
    group: 'P',
    text:
      'Nobody can have travelled here from where the session was used before: ' +
      'two people use it.',
  },
  network_unconfirmed: {
    group: 'P',
    text:
      'A sensitive route from a network provider (where that is unknown: an address prefix) ' +
      'that the user has not confirmed yet.',
  },
  acr_missing: { group: 'P', text: 'The route asks for a stronger authentication.' },
  authentication_stale: { group: 'P', text: 'The route asks for a more recent authentication.' },
  prompts_exhausted: {
    group: 'P',
    text:
      'Step-ups were begun {prompts} times within the hour from unconfirmed places: ' +
      'no more for now.',
  },
  contexts_exhausted: {
    group: 'P',
    text: 'This session is already used from as many places and browsers as one session may be.',
  },
  attempts_exhausted: {
    group: 'P',
    text: 'Too many step-ups failed from this place and browser: it is asked no more.',
  },
  failed_key_proof: {
    group: 'P',
    text: 'The proof of the key that the session is bound to failed.',
  },
  step_up_failed_after_fork: {
    group: 'P',
    text: 'A step-up failed after two holders of one secret were proven.',
  },
  refresh_reused: {
    group: 'P',
    text:
      'A refresh token that was used before came from where it was not used, ' +
      'and what is known speaks against its holder.',
  },
  not_me: { group: 'P', text: 'The user says that somebody else uses this session.' },
} as const satisfies Record<string, ReasonFacts>

export type Reason = keyof typeof REASONS

/** Added where a habit makes a reason weigh less. */
const DONE_BEFORE = ' This user has done so before (recently: {seen}).'

/** Evidence as the catalogue words it. A value of `null` in the detail reads as "unknown". */
export function evidenceOf(
  reason: Reason,
  weight: number,
  detail: Evidence['detail'] = {},
): Evidence {
  const { group, text } = REASONS[reason]
  const whole = detail.seen === undefined ? text : text + DONE_BEFORE
  const sentence = whole.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(detail[name] ?? 'unknown'),
  )
  return { group, reason, weight, detail, text: sentence }
}
