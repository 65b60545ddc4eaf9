import type { EventDescription } from './event-description.ts'
import type { EventType } from './events.ts'

const NAMES = ['subject', 'tenant'] as const
const CLIENT = ['address', 'userAgent'] as const
const ALL = [...NAMES, ...CLIENT] as const

/** A presentation of a session that nothing was decided about. */
const PRESENTED = {
  subject: 'always',
  session: 'always',
  network: 'always',
  device: 'always',
  decision: 'never',
  situation: 'never',
  authentication: 'never',
  reason: 'never',
  more: 'never',
  policy: 'never',
} as const

/** A presentation that the policy has decided about. */
const DECIDED = { ...PRESENTED, decision: 'always', situation: 'sometimes' } as const

/** An order, at which no client presents anything. */
const ORDERED = { ...PRESENTED, network: 'never', device: 'never' } as const

/** Whatever somebody around the engine has to tell. */
const RECORDED = {
  ...ORDERED,
  subject: 'sometimes',
  session: 'sometimes',
  reason: 'always',
} as const

const ONCE_A_CONTEXT = 'one a context, reason and touch interval'

/**
 * What is known of each type of event: the types of events, their JSON Schemas, the reference page
 * and the register of personal data follow from it. Whatever makes another set of events valid is a
 * new version of its type (docs/stability.md).
 */
export const EVENTS = {
  'session-established': {
    version: 1,
    when: 'A login started a session.',
    kept: true,
    has: { ...PRESENTED, decision: 'always', authentication: 'always', reason: 'always' },
    personal: ALL,
    reasons: {},
    otherReasons: 'class',
  },
  'session-presented': {
    version: 1,
    when: 'A presentation passed.',
    kept: false,
    bound: 'one a session and touch interval',
    has: { ...PRESENTED, more: 'sometimes' },
    personal: ALL,
    reasons: {},
  },
  'session-refreshed': {
    version: 1,
    when: 'A refresh token passed.',
    kept: false,
    bound: 'one a session and touch interval',
    has: { ...PRESENTED, reason: 'always', more: 'sometimes' },
    personal: ALL,
    reasons: {
      rotated: { text: 'the client was given the next token' },
      kept: { text: 'the token goes on: its own predecessor may still arrive' },
      in_flight: {
        text: 'a token that was replaced already, and was under way meanwhile',
        bound: 'one a token',
      },
    },
  },
  'secret-rotated': {
    version: 1,
    when: 'A successor was shown for the first time.',
    kept: true,
    has: PRESENTED,
    personal: ALL,
    reasons: {},
  },
  'context-changed': {
    version: 1,
    when: 'The session is used from elsewhere, and nothing is wrong with that.',
    kept: true,
    has: { ...DECIDED, reason: 'sometimes' },
    personal: ALL,
    noReason: 'another place or browser',
    reasons: {
      device_changed: {
        text: 'place and browser are the same; version, screen or language is not',
        bound: 'one a session and hour',
      },
    },
  },
  'anomaly-detected': {
    version: 1,
    when: 'Something is suspicious: a context, a login, or what the store says.',
    kept: true,
    has: {
      ...DECIDED,
      subject: 'sometimes',
      session: 'sometimes',
      network: 'sometimes',
      device: 'sometimes',
      decision: 'sometimes',
      reason: 'sometimes',
      more: 'sometimes',
    },
    personal: ALL,
    noReason: 'a context came under suspicion, or the outcome was `observe`',
    reasons: {
      evidence: {
        text: 'the context is refused for what speaks against it',
        bound: ONCE_A_CONTEXT,
      },
      attempts_exhausted: {
        text: 'nothing more is asked of the context: too many step-ups failed there',
        bound: ONCE_A_CONTEXT,
      },
      prompts_exhausted: {
        text: 'nothing more is asked: too many prompts were begun within the hour',
        bound: ONCE_A_CONTEXT,
      },
      contexts_exhausted: {
        text: 'nothing more is asked: the session has as many contexts as one may have',
        bound: ONCE_A_CONTEXT,
      },
      login: { text: 'a login that something speaks against' },
      history_unreadable: {
        text: 'what was known of a subject does not open: nothing but the subject is known',
        bound: 'one a record',
      },
      store_rolled_back: {
        text:
          'the store had lost the end of a session or a subject, which was ended once more; ' +
          'without a subject, writes of which no more is known, told and not kept',
      },
    },
  },
  'step-up-required': {
    version: 1,
    when: 'A context was challenged, or a person was asked for a factor.',
    kept: true,
    bound: ONCE_A_CONTEXT,
    has: { ...DECIDED, reason: 'always' },
    personal: ALL,
    reasons: {
      evidence: { text: 'what speaks against the context' },
      secret_forked: { text: 'two holders of one secret' },
      travel_impossible: { text: 'nobody can have travelled there' },
      context_challenged: { text: 'the context has not passed since it was challenged' },
      network_unconfirmed: { text: 'the route asked for a network that the subject has confirmed' },
      acr_missing: { text: 'the route asked for another `acr`' },
      authentication_stale: { text: 'the route asked for a newer authentication' },
      signal_failed: { text: 'a signal threw, and the route is sensitive' },
      step_up_begun: {
        text: 'a person was asked, and the decision names the cause',
        bound: 'none in a context that is not confirmed, else one a touch interval',
      },
    },
  },
  'step-up-completed': {
    version: 1,
    when: 'A factor was proved; a new token family began.',
    kept: true,
    has: { ...PRESENTED, authentication: 'sometimes', reason: 'always' },
    personal: ALL,
    reasons: {
      factor_proved: { text: 'the application did not say by what' },
      answered_again: {
        text: 'the same answer came again within a minute and got tokens of its own',
        bound: 'one a challenge',
      },
    },
    otherReasons: 'factors',
  },
  'step-up-failed': {
    version: 1,
    when: 'A factor was not proved, or the answer to a challenge was refused.',
    kept: true,
    has: {
      ...PRESENTED,
      subject: 'sometimes',
      session: 'sometimes',
      network: 'sometimes',
      device: 'sometimes',
      reason: 'always',
      more: 'sometimes',
    },
    personal: ALL,
    reasons: {
      factor_not_proved: { text: 'the application reported a wrong factor' },
      challenge_used: {
        text: 'another answer had used the challenge up',
        bound: 'one a challenge',
      },
      challenge_invalid: {
        text:
          'challenge, token and request do not belong together; where not even the session is ' +
          'known, told and not kept',
        bound: 'one a challenge',
      },
      context_refused: {
        text: 'too many step-ups failed in the context',
        bound: 'one a challenge',
      },
      step_up_required: {
        text: 'a weaker factor than the challenge asks for',
        bound: 'one a challenge',
      },
    },
  },
  'session-limited': {
    version: 1,
    when: 'A context may only read.',
    kept: true,
    has: DECIDED,
    personal: ALL,
    reasons: {},
  },
  'session-revoked': {
    version: 1,
    when: 'A session was ended.',
    kept: true,
    has: {
      ...DECIDED,
      network: 'sometimes',
      device: 'sometimes',
      decision: 'sometimes',
      reason: 'always',
    },
    personal: ALL,
    reasons: {
      logout: { text: 'the client logged out' },
      replaced_by_login: { text: 'the client logged in with the session at hand' },
      session_limit: { text: 'the oldest made room for a login' },
      secret_forked: { text: 'two holders of one secret' },
      refresh_reused: { text: 'a used refresh token came from elsewhere' },
      contradiction: { text: 'something that only a thief does was proven' },
      step_up_failed_after_fork: { text: 'one of two holders failed the step-up' },
      not_me: { text: 'the subject said that somebody else uses it' },
      token_revoked: { text: 'its access token was revoked at the service (RFC 7009)' },
      administrator: { text: 'the command line ended it, and no other reason was given' },
    },
    otherReasons: 'code',
  },
  'session-expired': {
    version: 1,
    when: 'A token was shown after the end of its time.',
    kept: true,
    bound: 'one a session',
    has: { ...PRESENTED, network: 'sometimes', device: 'sometimes', reason: 'always' },
    personal: ALL,
    reasons: {
      absolute_timeout: { text: 'the session had lived as long as it may' },
      idle_timeout: { text: 'it was not used for too long' },
    },
  },
  'subject-revoked': {
    version: 1,
    when: 'All sessions of a subject were ended, or all but the one that `session` names.',
    kept: true,
    has: { ...ORDERED, session: 'sometimes', reason: 'always' },
    personal: NAMES,
    reasons: {
      credential_changed: { text: 'the application reported a new password or factor' },
      account_disabled: { text: 'the application closed the account' },
      administrator: { text: 'the command line ended them, and no other reason was given' },
    },
    otherReasons: 'code',
  },
  'login-failed': {
    version: 1,
    when: 'The application reported a failed login.',
    kept: true,
    bound: 'each is told, and the first 16 a subject and hour are kept',
    has: {
      ...PRESENTED,
      session: 'never',
      network: 'sometimes',
      device: 'sometimes',
      more: 'sometimes',
    },
    personal: ALL,
    reasons: {},
  },
  'login-refused': {
    version: 1,
    when: 'A login was right and started no session.',
    kept: true,
    has: { ...PRESENTED, session: 'never', authentication: 'always', reason: 'always' },
    personal: ALL,
    reasons: {
      session_limit_reached: { text: 'the subject has as many sessions as it may' },
      login_superseded: { text: 'all sessions of the subject were ended meanwhile' },
    },
  },
  'token-unknown': {
    version: 1,
    when: 'A token was shown that opens nothing here.',
    kept: false,
    has: {
      ...PRESENTED,
      subject: 'sometimes',
      session: 'sometimes',
      network: 'sometimes',
      device: 'sometimes',
      reason: 'always',
      more: 'sometimes',
    },
    personal: CLIENT,
    reasons: {
      token_malformed: { text: 'none of ours' },
      token_key_unknown: { text: 'under a key that this process does not have' },
      session_unknown: { text: 'authentic, and its session is not there' },
      wrong_token_use: { text: 'of one kind where the other belongs' },
    },
  },
  'token-reused': {
    version: 1,
    when: 'A secret was shown that only a second holder can have.',
    kept: true,
    has: { ...DECIDED, decision: 'sometimes', reason: 'always' },
    personal: ALL,
    reasons: {
      secret_forked: { text: 'two holders of one secret' },
      store_rolled_back: { text: 'it is ahead of a store that lost writes' },
      refresh_reused: { text: 'a used refresh token came from elsewhere, and the session ended' },
      token_superseded: {
        text: 'of a token family that a step-up has ended',
        bound: 'one a family',
      },
    },
  },
  'policy-differed': {
    version: 1,
    when: 'The shadow policy would have decided otherwise: `decision` is what it says.',
    kept: true,
    bound: 'with what the presentation changed',
    has: { ...PRESENTED, decision: 'sometimes', reason: 'always', more: 'sometimes' },
    personal: ALL,
    reasons: {
      allow: { text: 'outcome of the policy in force' },
      observe: { text: 'the same' },
      challenge: { text: 'the same' },
      limit: { text: 'the same' },
      deny: { text: 'the same' },
      revoke: { text: 'the same' },
      shadow_failed: { text: 'it threw', kept: false, bound: 'one a minute' },
    },
  },
  'false-alarm-reported': {
    version: 1,
    when: 'The application said that an alarm was wrong.',
    kept: true,
    bound: 'one a session and hour',
    has: { ...ORDERED, reason: 'always' },
    personal: [],
    reasons: { false_alarm: { text: 'always' } },
  },
  'attributes-changed': {
    version: 1,
    when: "The application's attributes of a session were changed.",
    kept: true,
    has: ORDERED,
    personal: NAMES,
    reasons: {},
  },
  'request-refused': {
    version: 1,
    when: 'A gate of the service refused a request before its token was looked at.',
    kept: false,
    has: { ...RECORDED, more: 'sometimes' },
    personal: ALL,
    reasons: {
      cross_site_request: { text: 'a page of another site' },
      https_required: { text: 'not over HTTPS' },
      token_duplicated: { text: 'two tokens' },
      headers_too_large: { text: 'more headers than are looked at' },
      token_guesses: {
        text: 'a network is limited for guessing tokens',
        kept: true,
        bound: 'one a network and ten seconds',
      },
      key_guesses: {
        text: 'a network is limited for guessing API keys',
        kept: true,
        bound: 'one a network and ten seconds',
      },
      token_guesses_of_caller: {
        text: 'the clients of a caller, which is the actor, are limited together',
        kept: true,
        bound: 'one a caller and ten seconds',
      },
    },
    otherReasons: 'code',
  },
  'admin-acted': {
    version: 1,
    when: 'An API key with the role `admin` or `audit`, the actor, did or looked at something.',
    kept: true,
    bound: 'looks: one a minute for the same key and question. What cannot be kept is not shown',
    has: RECORDED,
    personal: ALL,
    reasons: {
      session_viewed: { text: 'looked at a session' },
      sessions_listed: { text: 'looked at the sessions of a subject' },
      events_read: { text: 'read events' },
      events_searched: { text: 'searched events' },
      sessions_searched: { text: 'searched sessions' },
      subjects_searched: { text: 'searched subjects' },
      incidents_listed: { text: 'looked at incidents' },
      incident_viewed: { text: 'looked at one incident' },
      alerts_listed: { text: 'looked at alerts' },
      alert_viewed: { text: 'looked at one alert' },
      session_revoked: { text: 'ended a session, beside the event of that' },
      subject_revoked: { text: 'ended all sessions of a subject, beside the event of that' },
      attributes_changed: { text: 'changed attributes, beside the event of that' },
      subject_erased: { text: 'had the personal parts of a subject erased' },
      incident_judged: { text: 'judged an incident' },
      alert_tested: { text: 'sent an alert to try a target' },
      alert_replayed: { text: 'sent an alert once more' },
    },
    otherReasons: 'code',
  },
  'key-rotated': {
    version: 1,
    when: 'The service took up keys from a changed file.',
    kept: true,
    bound: 'one for all processes of a store',
    has: RECORDED,
    personal: ALL,
    reasons: {
      sealing: { text: 'the key ring' },
      signing: { text: 'the signing keys of access tokens' },
    },
    otherReasons: 'code',
  },
  'policy-changed': {
    version: 1,
    when: 'Another policy decides about sessions from then on: `policy` has the settings.',
    kept: true,
    bound: 'one for all processes of a store',
    has: { ...RECORDED, policy: 'sometimes' },
    personal: ALL,
    reasons: {
      taken_up: { text: 'a service took up another policy than the one that was told of last' },
      in_force: { text: 'the first that is told of, or the same once more for a new audit log' },
    },
    otherReasons: 'code',
  },
} as const satisfies Readonly<Record<EventType, EventDescription>>
