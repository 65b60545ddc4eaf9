import type { EventType, SessionEvent } from './events.ts'

/** What an event is in the words that all receivers have: formats translate these. */
export interface Meaning {
  /** One sentence for people, without names and numbers. */
  readonly title: string
  readonly severity: Level
  readonly outcome: 'success' | 'failure' | 'unknown'
  readonly kind: Kind
}

/** From least to most. */
export type Level = 'informational' | 'low' | 'medium' | 'high' | 'critical'

/**
 * `login`, `logout` and `session` are about the authentication of a subject, `detection` is
 * something suspicious, `cleared` takes a suspicion back, `account` changes what belongs to a
 * subject, and `system` the service itself.
 */
export type Kind = 'login' | 'logout' | 'session' | 'detection' | 'cleared' | 'account' | 'system'

/** What the meaning of an event depends on. Its type may be newer than this version. */
export interface Happened extends Pick<SessionEvent, 'reason'> {
  readonly type: string
  readonly decision: { readonly outcome: string } | null
}

/** A type that this version does not know is told as something that happened to a session. */
export function eventMeaning(event: Happened): Meaning {
  const [kind, severity, outcome, title] = MEANINGS.get(event.type) ?? UNKNOWN
  return {
    title,
    kind,
    severity: higher(severity, leastSeverity(event)),
    outcome: outcome === 'decided' ? decidedOutcome(event) : outcome,
  }
}

/** What events of a type are at least, whatever else they say. */
export function typeMeaning(type: string): Pick<Meaning, 'title' | 'severity' | 'kind'> {
  const [kind, severity, , title] = MEANINGS.get(type) ?? UNKNOWN
  return { kind, severity, title }
}

type Row = readonly [Kind, Level, Meaning['outcome'] | 'decided', string]

const UNKNOWN: Row = ['session', 'informational', 'decided', 'Something else happened']

const MEANINGS: ReadonlyMap<string, Row> = new Map(
  Object.entries<Row>({
    'session-established': ['login', 'informational', 'success', 'A session was established'],
    'session-presented': ['session', 'informational', 'decided', 'A session was presented'],
    'session-refreshed': ['session', 'informational', 'success', 'A session was refreshed'],
    'secret-rotated': [
      'session',
      'informational',
      'success',
      'The secret of a session was rotated',
    ],
    'context-changed': ['session', 'informational', 'decided', 'A session was used from elsewhere'],
    'anomaly-detected': ['detection', 'medium', 'decided', 'A presentation looks suspicious'],
    'step-up-required': ['session', 'low', 'failure', 'A step-up was asked for'],
    'step-up-completed': ['session', 'informational', 'success', 'A step-up was completed'],
    'step-up-failed': ['session', 'medium', 'failure', 'A step-up failed'],
    'session-limited': ['detection', 'high', 'failure', 'A session was limited to reading'],
    'session-revoked': ['logout', 'informational', 'success', 'A session was revoked'],
    'session-expired': ['logout', 'informational', 'success', 'A session expired'],
    'subject-revoked': ['logout', 'low', 'success', 'All sessions of a subject were revoked'],
    'login-failed': ['login', 'low', 'failure', 'A login failed'],
    'login-refused': ['login', 'medium', 'failure', 'A login was refused'],
    'token-unknown': ['session', 'low', 'failure', 'A token that nobody has was presented'],
    'token-reused': ['detection', 'high', 'failure', 'Two holders use one session'],
    'policy-differed': ['session', 'informational', 'unknown', 'The shadow policy differed'],
    'false-alarm-reported': ['cleared', 'informational', 'success', 'A false alarm was reported'],
    'request-refused': ['session', 'low', 'failure', 'A request was refused'],
    'attributes-changed': ['account', 'informational', 'success', 'Attributes were changed'],
    'admin-acted': ['account', 'low', 'success', 'An administrator acted'],
    'key-rotated': ['system', 'low', 'success', 'A key was rotated'],
    'policy-changed': ['system', 'medium', 'success', 'The policy was changed'],
  } satisfies Record<EventType, Row>),
)

const LEVELS: readonly Level[] = ['informational', 'low', 'medium', 'high', 'critical']

function higher(one: Level, other: Level): Level {
  return LEVELS.indexOf(one) > LEVELS.indexOf(other) ? one : other
}

/** What a decision, or the reason of a revocation, makes of an event at least. */
function leastSeverity({ type, decision, reason }: Happened): Level {
  if (type === 'session-revoked' && CAUSES.has(reason ?? '')) return 'high'
  return LEAST.get(decision?.outcome ?? '') ?? 'informational'
}

const LEAST: ReadonlyMap<string, Level> = new Map([
  ['challenge', 'low'],
  ['deny', 'medium'],
  ['limit', 'high'],
  ['revoke', 'high'],
])

/** Reasons of a revocation that only a thief, or whoever fears one, gives. */
const CAUSES: ReadonlySet<string> = new Set([
  'contradiction',
  'failed_key_proof',
  'not_me',
  'refresh_reused',
  'secret_forked',
  'step_up_failed_after_fork',
])

function decidedOutcome({ decision }: Happened): Meaning['outcome'] {
  if (decision === null) return 'unknown'
  return ALLOWING.has(decision.outcome) ? 'success' : 'failure'
}

const ALLOWING: ReadonlySet<string> = new Set(['allow', 'observe'])
