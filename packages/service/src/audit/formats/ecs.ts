import { type EntryFacts, type Format, factsOf } from './facts.ts'
import { type Level, type Meaning, meaningOf } from './meaning.ts'
import { pruned } from './pruned.ts'

/**
 * Elastic Common Schema, with field names that 8 and 9 share. ECS has no field for a session of the
 * web and none for evidence: these are below `holdfast`. A network goes into `source.address`,
 * because `source.ip` takes nothing but addresses.
 */
export const ecs: Format = (entry, { personal }) => {
  const facts = factsOf(entry, personal)
  const meaning = meaningOf(facts)
  const { network, device, decision, trace, finding, authentication: shown } = facts
  const { name, tenant, address, prefix, userAgent } = facts.personal
  return pruned({
    '@timestamp': new Date(facts.at).toISOString(),
    ecs: { version: '8.17.0' },
    message: meaning.title,
    event: eventOf(facts, meaning),
    service: { name: 'holdfast', type: 'holdfast' },
    user: { id: facts.subject, name },
    organization: { id: tenant },
    related: { user: [facts.subject, name], ip: [address] },
    source: {
      ip: address,
      address: address ?? prefix,
      geo: { country_iso_code: network?.country, city_name: network?.city },
      as: { number: network?.asn, organization: { name: network?.organisation } },
    },
    user_agent: {
      original: userAgent,
      name: device?.family,
      version: device?.major?.toString(),
      os: { name: device?.os, type: OS_TYPES.get(device?.os ?? '') },
    },
    rule: { name: finding?.rule, description: finding?.text },
    http: { request: { id: facts.correlation } },
    trace: { id: trace?.traceId },
    span: { id: trace?.spanId },
    holdfast: {
      actor: facts.actor,
      session: { id: facts.session },
      network: { kind: network?.kind, prefix },
      decision: { outcome: decision?.outcome, reasons: decision?.because.map((one) => one.reason) },
      finding: { count: finding?.count, events: finding?.events },
      more: facts.more,
      policy: facts.policy,
      acr: shown?.acr,
      amr: shown?.amr,
    },
  })
}

function eventOf(facts: EntryFacts, meaning: Meaning): Readonly<Record<string, unknown>> {
  return {
    kind: meaning.kind === 'detection' ? 'alert' : 'event',
    category: CATEGORIES[meaning.kind],
    type: typesOf(facts, meaning),
    action: facts.type,
    outcome: meaning.outcome,
    reason: facts.reason,
    id: facts.id,
    sequence: facts.index,
    severity: SEVERITIES[meaning.severity],
    risk_score: facts.decision?.score,
    module: 'holdfast',
    dataset: 'holdfast.audit',
    provider: 'holdfast',
  }
}

const CATEGORIES: Readonly<Record<Meaning['kind'], readonly string[]>> = {
  login: ['authentication', 'session'],
  logout: ['authentication', 'session'],
  session: ['session'],
  detection: ['intrusion_detection', 'session'],
  cleared: ['intrusion_detection'],
  account: ['iam'],
  system: ['configuration'],
}

/** Of the types that ECS allows for a category; a login that failed started nothing. */
function typesOf(facts: EntryFacts, { kind, outcome }: Meaning): readonly string[] {
  switch (kind) {
    case 'login':
      return [outcome === 'success' ? 'start' : 'info']
    case 'logout':
      return ['end']
    case 'account':
      return facts.subject === null ? ['admin', 'change'] : ['user', 'change']
    case 'system':
      return ['change']
    default:
      return ['info']
  }
}

/** The numbers of syslog turned round, as in OCSF: more is worse. */
const SEVERITIES: Readonly<Record<Level, number>> = {
  informational: 1,
  low: 2,
  medium: 3,
  high: 4,
  critical: 5,
}

const OS_TYPES: ReadonlyMap<string, string> = new Map([
  ['windows', 'windows'],
  ['macos', 'macos'],
  ['linux', 'linux'],
  ['chromeos', 'linux'],
  ['android', 'android'],
  ['ios', 'ios'],
])
