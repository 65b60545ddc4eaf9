import type { Context, ContextState } from '../core/context.ts'
import type { Decision, Outcome } from '../core/decision.ts'
import type { Evidence } from '../core/evidence.ts'
import type {
  BrowserFamily,
  Device,
  Network,
  NetworkKind,
  OperatingSystem,
} from '../core/request.ts'
import type { SessionDetail, SessionView } from '../core/session.ts'
import type { Page } from '../core/store.ts'
import {
  decimal,
  described,
  flag,
  integer,
  list,
  named,
  nullable,
  object,
  oneOf,
  openOneOf,
  optional,
  record,
  scalar,
  text,
  type Wire,
  withFields,
} from './describe.ts'
import { attributes, group, instant, sessionId, subject, tenant, word } from './words.ts'

/** What services answer about a session, and about a decision. */

const maybeText = nullable(text())
const maybeNumber = nullable(decimal())
const maybeInteger = nullable(integer())

const evidence = object<Evidence>('Evidence', {
  group,
  reason: text(),
  weight: described(integer(), 'Decibans'),
  detail: record(scalar),
  text: text(),
})

/** What was decided. */
export const outcome: Wire<Outcome> = oneOf([
  'allow',
  'observe',
  'challenge',
  'limit',
  'deny',
  'revoke',
])

export const decision = object<Decision>('Decision', {
  outcome,
  score: described(integer(), 'The sum of the weights, decibans'),
  because: list(evidence),
})

function decisionOf(name: string, outcomes: readonly Outcome[]): Wire<Decision> {
  return named(name, withFields(decision, { outcome: oneOf(outcomes) }))
}

/** Of an answer that lets pass: to read only, where it is `limit`. */
export const passingDecision = decisionOf('PassingDecision', ['allow', 'observe', 'limit'])

/** Of an answer that gives new tokens. */
export const trustingDecision = decisionOf('TrustingDecision', ['allow', 'observe'])

const facts = {
  id: sessionId,
  subject,
  tenant,
  class: word,
  acr: maybeText,
  amr: list(text()),
  authenticatedAt: instant,
  createdAt: instant,
  expiresAt: described(instant, 'Absolute deadline: UTC, ms'),
  idleMs: described(integer(), 'Longest silence, ms'),
  attributes,
  attributesVersion: integer(),
}

/** What an application sees of a session. */
export const session = object<SessionView>('Session', {
  ...facts,
  formToken: described(text(), "For forms of the session's own pages. A secret."),
})

/** What a network is used for. */
export const networkKind: Wire<NetworkKind> = openOneOf([
  'fixed',
  'mobile',
  'hosting',
  'vpn',
  'relay',
  'tor',
  'satellite',
  'corporate',
  'private',
  'unknown',
])

/** The family of a browser. */
export const browserFamily: Wire<BrowserFamily> = openOneOf([
  'chrome',
  'edge',
  'opera',
  'samsung',
  'firefox',
  'safari',
  'app',
  'automation',
  'unknown',
])

/** The system that a browser says it runs on. */
export const operatingSystem: Wire<OperatingSystem> = openOneOf([
  'windows',
  'macos',
  'linux',
  'chromeos',
  'android',
  'ios',
  'unknown',
])

const network = object<Network>('Network', {
  address: maybeText,
  prefix: maybeText,
  block: maybeText,
  asn: maybeInteger,
  organisation: maybeText,
  kind: networkKind,
  country: described(maybeText, 'ISO 3166-1 alpha-2'),
  city: maybeText,
  latitude: maybeNumber,
  longitude: maybeNumber,
  radiusKm: maybeNumber,
})

const hints = object<NonNullable<Device['hints']>>('Hints', {
  family: browserFamily,
  major: maybeInteger,
  os: operatingSystem,
  brand: optional(text()),
})

const device = object<Device>('Device', {
  family: browserFamily,
  major: maybeInteger,
  os: operatingSystem,
  mobile: flag,
  languages: list(text()),
  hints: described(nullable(hints), 'What `Sec-CH-UA` and its platform said'),
  screen: maybeText,
  timezone: maybeText,
  tls: described(maybeText, 'JA4 of its TLS handshake'),
})

const origin = object<SessionDetail['origin']>('Origin', { network, device })

const contextState: Wire<ContextState> = oneOf(['confirmed', 'provisional', 'challenged'])

const reasonInBrief = object<Context['because'][number]>('ReasonInBrief', {
  group,
  reason: text(),
  weight: integer(),
})

const context = object<SessionDetail['contexts'][number]>('Context', {
  key: text(),
  state: contextState,
  network,
  device,
  firstSeen: instant,
  lastSeen: instant,
  visits: integer(),
  evidence: described(decimal(), 'Decibans at `evidenceAt`'),
  evidenceAt: instant,
  evidenceNow: described(decimal(), 'What is left of it'),
  because: list(reasonInBrief),
  failures: described(integer(), 'Step-ups that failed since the last one that passed'),
})

/** What those who look after sessions see of one. */
export const sessionDetail = object<SessionDetail>('SessionDetail', {
  ...facts,
  lastActivity: instant,
  origin,
  contexts: list(context),
  forked: described(flag, 'Two holders of one secret are proven'),
})

/** Answer of a list of sessions. */
export const sessionPage = object<Page<SessionDetail>>('SessionPage', {
  items: list(sessionDetail),
  next: optional(described(text(), 'Pass as `after` for the next page; absent on the last one')),
})

/** The version of the attributes after a change. */
export interface AttributesVersion {
  readonly version: number
}

/** Answer of a change of attributes. */
export const attributesVersion = object<AttributesVersion>('AttributesVersion', {
  version: integer(),
})
