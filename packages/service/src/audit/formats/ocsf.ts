import { type EntryFacts, type Format, factsOf } from './facts.ts'
import { type Level, type Meaning, meaningOf } from './meaning.ts'
import {
  isMfa,
  ocsfControl,
  ocsfEndpoint,
  ocsfFactors,
  ocsfRequest,
  ocsfSession,
  ocsfUser,
  SESSION_THEFT,
} from './ocsf-objects.ts'
import { pruned } from './pruned.ts'

/**
 * OCSF 1.8.0 (https://schema.ocsf.io): logins, logouts and what else happens to sessions as
 * Authentication (3002), suspicions as Detection Finding (2004), changes of subjects and of the
 * service as Account Change (3001). `risk_score` is in decibans.
 */
export const ocsf: Format = (entry, { personal }) => {
  const facts = factsOf(entry, personal)
  const meaning = meaningOf(facts)
  switch (meaning.kind) {
    case 'detection':
    case 'cleared':
      return pruned(detectionFinding(facts, meaning))
    case 'account':
    case 'system':
      return pruned(accountChange(facts, meaning))
    default:
      return pruned(authentication(facts, meaning))
  }
}

type Fields = Readonly<Record<string, unknown>>

/** Class and activity, as a number and by name. */
export interface OcsfClass {
  readonly category: readonly [number, string]
  readonly class: readonly [number, string]
  readonly activity: readonly [number, string]
}

/** What every event of OCSF has about itself. */
export function ocsfBase(kind: OcsfClass, level: Level, at: number): Fields {
  const [category_uid, category_name] = kind.category
  const [class_uid, class_name] = kind.class
  const [activity_id, activity_name] = kind.activity
  const [severity_id, severity] = SEVERITIES[level]
  return {
    category_uid,
    category_name,
    class_uid,
    class_name,
    activity_id,
    activity_name,
    type_uid: class_uid * 100 + activity_id,
    type_name: `${class_name}: ${activity_id === OTHER ? 'Other' : activity_name}`,
    severity_id,
    severity,
    time: at,
  }
}

/** Who made the event, in which version of OCSF; `rest` is about the one event. */
export function ocsfMetadata(rest: Fields): Fields {
  return {
    version: '1.8.0',
    product: { name: 'Holdfast', vendor_name: 'Holdfast' },
    log_name: 'audit',
    ...rest,
  }
}

const IAM = [3, 'Identity & Access Management'] as const
export const FINDINGS = [2, 'Findings'] as const
export const DETECTION_FINDING = [2004, 'Detection Finding'] as const

const AUTHENTICATION = [3002, 'Authentication'] as const
const ACCOUNT_CHANGE = [3001, 'Account Change'] as const
const OTHER = 99

const SEVERITIES: Readonly<Record<Level, readonly [number, string]>> = {
  informational: [1, 'Informational'],
  low: [2, 'Low'],
  medium: [3, 'Medium'],
  high: [4, 'High'],
  critical: [5, 'Critical'],
}

const STATUSES = {
  unknown: { status_id: 0, status: 'Unknown' },
  success: { status_id: 1, status: 'Success' },
  failure: { status_id: 2, status: 'Failure' },
} as const

function authentication(facts: EntryFacts, meaning: Meaning): Fields {
  const { authentication: shown, reason } = facts
  const session = ocsfSession(facts)
  return {
    ...ocsfBase(
      { category: IAM, class: AUTHENTICATION, activity: activityOf(facts, meaning) },
      meaning.severity,
      facts.at,
    ),
    ...activityFacts(facts, meaning),
    ...(facts.decision === null ? {} : ocsfControl(facts)),
    user: ocsfUser(facts),
    session: meaning.kind === 'logout' ? { ...session, expiration_reason: reason } : session,
    service: { name: 'Holdfast' },
    is_remote: true,
    is_mfa: shown === null ? null : isMfa(shown.amr),
    auth_factors: shown === null ? null : ocsfFactors(shown.amr),
    metadata: eventMetadata(facts, facts.decision === null ? [] : ['security_control']),
  }
}

function activityOf({ type }: EntryFacts, { kind }: Meaning): OcsfClass['activity'] {
  if (kind === 'login') return [1, 'Logon']
  if (kind === 'logout') return [2, 'Logoff']
  return [OTHER, type]
}

function accountChange(facts: EntryFacts, meaning: Meaning): Fields {
  const system = { type_id: 3, type: 'System', name: 'holdfast' }
  return {
    ...ocsfBase(
      { category: IAM, class: ACCOUNT_CHANGE, activity: [OTHER, facts.type] },
      meaning.severity,
      facts.at,
    ),
    ...activityFacts(facts, meaning),
    ...(facts.decision === null ? {} : ocsfControl(facts)),
    user: meaning.kind === 'system' && facts.subject === null ? system : ocsfUser(facts),
    metadata: eventMetadata(facts, facts.decision === null ? [] : ['security_control']),
  }
}

/** What Authentication and Account Change have in common. */
function activityFacts(facts: EntryFacts, meaning: Meaning): Fields {
  return {
    ...STATUSES[meaning.outcome],
    status_code: facts.reason,
    message: meaning.title,
    actor: actorOf(facts),
    src_endpoint: ocsfEndpoint(facts),
    http_request: ocsfRequest(facts),
    unmapped: unmapped(facts),
  }
}

function detectionFinding(facts: EntryFacts, meaning: Meaning): Fields {
  const closed = meaning.kind === 'cleared'
  const attacks = closed ? null : SESSION_THEFT
  const evidence = {
    actor: actorOf(facts),
    user: ocsfUser(facts),
    src_endpoint: ocsfEndpoint(facts),
    http_request: ocsfRequest(facts),
    data: facts.decision === null ? null : { because: facts.decision.because },
  }
  return {
    ...ocsfBase(
      {
        category: FINDINGS,
        class: DETECTION_FINDING,
        activity: closed ? [3, 'Close'] : [1, 'Create'],
      },
      meaning.severity,
      facts.at,
    ),
    ...ocsfControl(facts),
    // Suppressed is what OCSF calls a finding that was found to be a false positive.
    ...(closed ? { status_id: 3, status: 'Suppressed' } : { status_id: 1, status: 'New' }),
    status_code: facts.reason,
    message: meaning.title,
    is_alert: !closed,
    attacks,
    finding_info: {
      uid: facts.id,
      title: meaning.title,
      types: [facts.type],
      created_time: facts.at,
      analytic: { name: facts.reason ?? facts.type, type_id: 2, type: 'Behavioral' },
      attacks,
    },
    evidences: [evidence],
    unmapped: unmapped(facts),
    metadata: eventMetadata(facts, ['security_control']),
  }
}

function actorOf(facts: EntryFacts): Fields {
  return { invoked_by: facts.actor, session: ocsfSession(facts) }
}

function eventMetadata(facts: EntryFacts, profiles: readonly string[]): Fields {
  return ocsfMetadata({
    uid: facts.id,
    event_code: facts.type,
    correlation_uid: facts.correlation,
    tenant_uid: facts.personal.tenant,
    sequence: facts.index,
    profiles,
  })
}

/** What OCSF has no attribute for. */
function unmapped(facts: EntryFacts): Fields {
  const { device, network, trace, authentication: shown } = facts
  return {
    browser: device && { family: device.family, major: device.major },
    network_kind: network?.kind,
    acr: shown?.acr,
    outcome: facts.decision?.outcome,
    reasons: facts.decision?.because.map(({ reason }) => reason),
    trace_id: trace?.traceId,
    span_id: trace?.spanId,
    more: facts.more,
    policy: facts.policy,
  }
}
