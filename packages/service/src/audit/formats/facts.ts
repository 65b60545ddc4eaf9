import type { DescribedEvent } from 'holdfast/maintenance'
import { formatAddress, parseAddress } from 'holdfast/network'
import { isEntry, type LoggedEntry, type LoggedFinding, type LoggedLine } from '../entry.ts'
import { prefixOf } from '../fields.ts'
import type { Severity } from '../finding.ts'
import { plainText } from './plain-text.ts'

/**
 * How much of the personal part leaves the audit log: all of it; the client's network (/24, or /64
 * of IPv6) alone, without name, tenant and agent; or nothing.
 */
export const PERSONAL = ['full', 'network', 'none'] as const

export type Personal = (typeof PERSONAL)[number]

export interface FormatOptions {
  readonly personal: Personal
}

/** Turns an event or a finding into an object of JSON, in the words of some receiver. Pure. */
export type Format = (line: LoggedLine, options: FormatOptions) => object

/**
 * What may leave of an entry, with every text cleaned and cut. Formats know an entry through this
 * alone, so a field that is not named here is in no output.
 */
export interface EntryFacts {
  readonly index: number
  /** Null for a finding, which comes from no store. */
  readonly partition: number | null
  readonly sequence: number | null
  readonly id: string
  /** May be newer than the catalogue of this version. */
  readonly type: string
  readonly at: number
  readonly actor: string
  readonly subject: string | null
  readonly session: string | null
  readonly network: DescribedEvent['network']
  readonly device: DescribedEvent['device']
  readonly decision: {
    readonly outcome: string
    readonly score: number
    readonly because: readonly {
      readonly group: string
      readonly reason: string
      readonly weight: number
      readonly text: string
    }[]
  } | null
  readonly reason: string | null
  readonly correlation: string | null
  readonly authentication: { readonly acr: string | null; readonly amr: readonly string[] } | null
  readonly trace: Trace | null
  /** Of a kept sample: how many of its type were not kept since the one before. */
  readonly more: number | null
  /** The policy in force from then on. */
  readonly policy: { readonly digest: string; readonly summary: string } | null
  readonly finding: FindingFacts | null
  readonly personal: PersonalView
}

/**
 * What a rule has found. Title and text may quote any field of the events, so they leave with the
 * whole personal part alone.
 */
export interface FindingFacts {
  readonly rule: string
  readonly severity: Severity
  readonly title: string | null
  readonly text: string | null
  readonly count: number
  /** Ids of the last events. */
  readonly events: readonly string[]
}

/** The part of the personal facts that was asked for; null is what was not, or is not known. */
export interface PersonalView {
  readonly name: string | null
  readonly tenant: string | null
  readonly address: string | null
  readonly prefix: string | null
  readonly userAgent: string | null
}

/** Of a `traceparent` (W3C Trace Context, version 00). */
export interface Trace {
  readonly traceId: string
  readonly spanId: string
  readonly flags: number
}

/**
 * Longest texts, so that an entry stays below the 8 KiB at which receivers of syslog cut messages,
 * however long the name and the agent of a client are: a cut message is no JSON any more.
 */
const LONGEST = {
  word: 64,
  tenant: 128,
  name: 256,
  agent: 512,
  sentence: 200,
  text: 1_024,
  summary: 2_048,
} as const

const MOST_REASONS = 12
const MOST_METHODS = 16
const MOST_EVENTS = 20

export function factsOf(line: LoggedLine, personal: Personal): EntryFacts {
  return isEntry(line) ? eventFacts(line, personal) : findingFacts(line, personal)
}

function findingFacts(line: LoggedFinding, personal: Personal): EntryFacts {
  const { index, finding } = line
  const { id, at, rule, severity, count, events, subject, session } = finding
  const { title = null, text = null, network = null } = line.personal ?? {}
  const full = personal === 'full'
  return {
    ...{ index, partition: null, sequence: null, id: word(id), type: 'finding', at },
    ...{ actor: 'engine', subject: maybe(word, subject), session: maybe(word, session) },
    ...{ network: null, device: null, decision: null, reason: word(rule), correlation: null },
    ...{ authentication: null, trace: null, more: null, policy: null },
    finding: {
      ...{ rule: word(rule), severity, count },
      title: full && title !== null ? plainText(title, LONGEST.sentence) : null,
      text: full && text !== null ? plainText(text, LONGEST.text) : null,
      events: events.slice(-MOST_EVENTS).map(word),
    },
    personal: { ...NOTHING, prefix: personal === 'none' ? null : maybe(word, network) },
  }
}

function eventFacts(entry: LoggedEntry, personal: Personal): EntryFacts {
  const { index, partition, sequence, event } = entry
  const { network, device, decision, authentication } = event
  return {
    index,
    partition,
    sequence,
    id: word(event.id),
    type: word(event.type),
    at: event.at,
    actor: name(event.actor),
    subject: maybe(word, event.subject),
    session: maybe(word, event.session),
    network: network && {
      asn: network.asn,
      organisation: maybe(word, network.organisation),
      kind: word(network.kind),
      country: maybe(word, network.country),
      city: maybe(word, network.city),
    },
    device: device && {
      family: word(device.family),
      major: device.major,
      os: word(device.os),
    },
    decision: decision && {
      outcome: word(decision.outcome),
      score: decision.score,
      because: decision.because.slice(0, MOST_REASONS).map(({ group, reason, weight, text }) => ({
        group: word(group),
        reason: word(reason),
        weight,
        text: plainText(text, LONGEST.sentence),
      })),
    },
    reason: maybe(word, event.reason),
    correlation: maybe(word, event.correlation),
    authentication:
      authentication === undefined
        ? null
        : {
            acr: maybe(word, authentication.acr),
            amr: authentication.amr.slice(0, MOST_METHODS).map(word),
          },
    trace: traceOf(event.trace),
    more: event.more ?? null,
    policy:
      event.policy === undefined
        ? null
        : {
            digest: word(event.policy.digest),
            summary: plainText(event.policy.summary, LONGEST.summary),
          },
    finding: null,
    personal: personalView(entry, personal),
  }
}

const NOTHING: PersonalView = {
  name: null,
  tenant: null,
  address: null,
  prefix: null,
  userAgent: null,
}

function personalView({ personal: facts }: LoggedEntry, personal: Personal): PersonalView {
  if (facts === null || personal === 'none') return NOTHING
  const prefix = prefixOf(facts.address)
  if (personal === 'network') return { ...NOTHING, prefix }
  const address = parseAddress(facts.address ?? '')
  return {
    name: maybe(name, facts.subject),
    tenant: maybe(tenant, facts.tenant),
    address: address === undefined ? null : formatAddress(address),
    prefix,
    userAgent: facts.userAgent === null ? null : plainText(facts.userAgent, LONGEST.agent),
  }
}

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/

function traceOf(traceparent: string | undefined): Trace | null {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return null
  return { traceId, spanId, flags: Number.parseInt(flags, 16) }
}

function word(text: string): string {
  return plainText(text, LONGEST.word)
}

function name(text: string): string {
  return plainText(text, LONGEST.name)
}

function tenant(text: string): string {
  return plainText(text, LONGEST.tenant)
}

function maybe(clean: (text: string) => string, text: string | null): string | null {
  return text === null ? null : clean(text)
}
