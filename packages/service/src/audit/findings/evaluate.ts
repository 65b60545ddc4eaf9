import { createHash, createHmac } from 'node:crypto'
import type { EventFields } from '../fields.ts'
import type { Finding } from '../finding.ts'
import { type Matcher, matcherOf } from './conditions.ts'
import { boundedGroups, type Groups } from './groups.ts'
import { type FieldName, isOfOneEvent, type Rule } from './rule.ts'
import { countTally, distinctTally } from './sliding.ts'
import { surgeTally } from './surge.ts'
import { type Completed, DISORDER_MS, type Tally } from './tally.ts'
import { filled } from './text.ts'

/** Rules that look at one event after the other. No clock, no I/O: time is that of the events. */
export interface RuleSet {
  readonly rules: readonly Rule[]
  /**
   * How far back events count, ms. Whoever starts observes the events of that time first and drops
   * what is found; the findings after that are those of one who never stopped.
   */
  readonly maxWindow: number
  /** Empty, for one run over events. */
  newState(): RuleState
  /**
   * What an event completes. Events may come late by ten seconds, in any order: the ids of what is
   * found are the same.
   */
  observe(fields: EventFields, state: RuleState): Observed
}

/** What was found: of the rules in force, and of those that are only watched. */
export interface Observed {
  readonly findings: readonly Finding[]
  readonly shadowed: readonly Finding[]
}

/** What the rules have counted, of each rule by its place. Bounded, whatever the events are. */
export interface RuleState {
  readonly groups: readonly Groups<Group>[]
}

/** Something that a subject, or anybody, may have been seen with for the first time. */
export interface Sighting {
  readonly rule: string
  /** Whose; empty for anybody. */
  readonly owner: string
  /** Under the key of the rules, so that it tells of nobody. */
  readonly value: string
  /** Id of the event: the same event is answered the same, however often it comes. */
  readonly event: string
  readonly at: number
}

/** Notes a sighting. True where the owner never had the value, and has had another. */
export type FirstSeen = (sighting: Sighting) => boolean

interface Group {
  readonly tally: Tally
  /** The periods of quiet that were told of already, the last few. */
  told: readonly number[]
}

interface Compiled {
  readonly rule: Rule
  readonly matches: Matcher
  readonly newTally: () => Tally
}

const NOTHING: Observed = { findings: [], shadowed: [] }
/** A longer value is known by its digest. */
const MOST_KEY = 100
const MOST_TEXT = 256
const ID_BYTES = 16
/** A period has at least a second, and events are late by ten. */
const MOST_PERIODS = 16

export interface RuleSetOptions {
  /** Answers for the rules that ask whether something is new. */
  readonly firstSeen: FirstSeen
  /**
   * Whoever lacks it cannot guess from the id of a finding, or from a sighting, which address or
   * name it is about. Empty for a run of which nothing is kept.
   */
  readonly key?: Uint8Array
}

export function ruleSet(
  rules: readonly Rule[],
  { firstSeen, key: secret = new Uint8Array(0) }: RuleSetOptions,
): RuleSet {
  const compiled = rules.map(
    (rule): Compiled => ({ rule, matches: matcherOf(rule.match), newTally: tallyOf(rule) }),
  )

  function found(
    { rule, matches }: Compiled,
    fields: EventFields,
    groups: Groups<Group>,
  ): Finding[] {
    if (!matches(fields)) return []
    const key = groupKey(rule.groupBy, fields)
    const value = rule.distinct === null ? '' : keyOf(fields[rule.distinct.field])
    if (key === undefined || value === undefined) return []
    if (!isNew(rule, fields)) return []
    return groups.use(key, (group) => {
      const periodOf = (at: number): number => Math.floor(at / rule.once)
      const isQuiet = (at: number): boolean => group.told.includes(periodOf(at))
      const counted = { at: fields.at, id: fields.id.slice(0, MOST_KEY), value }
      const findings: Finding[] = []
      for (const done of group.tally.add(counted, (at) => !isQuiet(at))) {
        if (isQuiet(done.at)) continue
        const period = periodOf(done.at)
        group.told = [...group.told.slice(1 - MOST_PERIODS), period]
        findings.push(findingOf(rule, fields, { ...done, id: keyed(idOf(rule, key, period)) }))
      }
      return findings
    })
  }

  function isNew({ name, firstSeen: asked }: Rule, fields: EventFields): boolean {
    if (asked === null) return true
    const value = keyOf(fields[asked.field])
    const owner = asked.of === null ? '' : keyOf(fields[asked.of])
    if (value === undefined || owner === undefined) return false
    const event = { event: fields.id, at: fields.at }
    return firstSeen({ rule: name, owner, value: keyed(value), ...event })
  }

  function keyed(text: string): string {
    const bytes = createHmac('sha256', secret).update(text).digest().subarray(0, ID_BYTES)
    return bytes.toString('base64url')
  }

  return {
    rules,
    maxWindow: Math.max(0, ...rules.map(reach)),
    newState: () => ({
      groups: compiled.map(({ newTally }) =>
        boundedGroups<Group>({
          create: () => ({ tally: newTally(), told: [] }),
          sizeOf: ({ tally }) => tally.size(),
        }),
      ),
    }),
    observe(fields, state) {
      let observed = NOTHING
      for (const [at, one] of compiled.entries()) {
        const groups = state.groups[at]
        const findings = groups === undefined ? [] : found(one, fields, groups)
        if (findings.length === 0) continue
        const part = one.rule.shadow ? 'shadowed' : 'findings'
        observed = { ...observed, [part]: [...observed[part], ...findings] }
      }
      return observed
    },
  }
}

/** What a rule counts with, for each group. */
function tallyOf(rule: Rule): () => Tally {
  const { threshold, distinct, above, window } = rule
  if (above !== null) return () => surgeTally({ threshold, window, ...above })
  if (distinct !== null) return () => distinctTally(distinct.atLeast, window)
  return threshold === 1 ? () => EACH : () => countTally(threshold, window)
}

/** Every event is enough by itself. */
const EACH: Tally = {
  add: ({ at, id }, matters) => (matters(at) ? [{ at, count: 1, events: [id] }] : []),
  size: () => 0,
}

function reach(rule: Rule): number {
  const { window, once, above } = rule
  const counted = isOfOneEvent(rule) ? 0 : window
  return counted + once + DISORDER_MS + (above === null ? 0 : above.over + 2 * window)
}

/** Undefined where a field has no value: what is not known is no group. */
function groupKey(groupBy: readonly FieldName[], fields: EventFields): string | undefined {
  const parts = groupBy.map((name) => keyOf(fields[name]))
  return parts.includes(undefined) ? undefined : JSON.stringify(parts)
}

function keyOf(value: string | number | null): string | undefined {
  if (value === null) return undefined
  const text = String(value)
  return text.length > MOST_KEY ? digest(text) : text
}

/**
 * By rule, group and period of quiet, not by the event that completed it: which event that is
 * depends on the order in which they come.
 */
function idOf({ name, once }: Rule, key: string, period: number): string {
  return JSON.stringify([name, key, once, period])
}

function digest(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, ID_BYTES)
  return bytes.toString('base64url')
}

/**
 * A finding of one event is about its subject, session and network. Of many events, it is about
 * those by which they are grouped; a session has one subject.
 */
function findingOf(
  rule: Rule,
  fields: EventFields,
  { id, count, events }: Completed & { readonly id: string },
): Finding {
  const { groupBy } = rule
  const isAbout = (...names: readonly FieldName[]): boolean =>
    isOfOneEvent(rule) || names.some((name) => groupBy.includes(name))
  const group = Object.fromEntries(groupBy.map((name) => [name, short(fields[name])]))
  return {
    id,
    rule: rule.name,
    severity: rule.severity,
    at: fields.at,
    title: filled(rule.title, fields, count),
    text: filled(rule.text, fields, count),
    group,
    subject: isAbout('subject', 'session') ? short(fields.subject) : null,
    session: isAbout('session') ? short(fields.session) : null,
    network: isAbout('network') ? short(fields.network) : null,
    count,
    events,
  }
}

function short<V extends string | number | null>(value: V): V | string {
  return typeof value === 'string' ? value.slice(0, MOST_TEXT) : value
}
