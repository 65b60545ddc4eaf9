import { sql } from 'kysely'
import { networkRange } from './network-range.ts'
import {
  allOf,
  between,
  betweenUnindexed,
  type Condition,
  equal,
  equalUnindexed,
  unindexed,
} from './queries.ts'
import type { Search } from './search.ts'
import { keyText } from './stored-text.ts'

/** What is asked of one column. */
export interface Term {
  readonly column: string
  /** For an index, and so that none is taken. */
  readonly indexed: Condition
  readonly unindexed: Condition
  /** An index of it has the rows in the order of its next column. */
  readonly ordered: boolean
}

/** Columns of the indexes of `events`, the ones that match fewest first. `at` follows in each. */
export const EVENT_INDEXES: readonly (readonly string[])[] = [
  ['session'],
  ['correlation'],
  ['line'],
  ['subject'],
  ['prefix'],
  ['asn', 'country'],
  ['reason'],
  ['outcome'],
  ['type'],
  ['asn'],
  ['country'],
  ['actor'],
]

/** Of `places`. */
export const PLACE_INDEXES: readonly (readonly string[])[] = [
  ['prefix'],
  ['asn', 'country'],
  ['asn'],
  ['country'],
  ['kind'],
  ['browser', 'os'],
  ['browser'],
]

/** A way into a table by one index; the rest of the terms is for no index. */
export interface Way {
  readonly condition: Condition
  readonly rest: readonly Condition[]
  readonly ordered: boolean
}

/** The ways that there are. An index of fewer columns is left out where one has more of them. */
export function waysOf(
  terms: readonly Term[],
  indexes: readonly (readonly string[])[],
): readonly Way[] {
  const given = new Set(terms.map(({ column }) => column))
  const usable = indexes.filter((columns) => columns.every((column) => given.has(column)))
  return usable
    .filter((columns) => !usable.some((other) => isWider(other, columns)))
    .map((columns) => {
      const [used, others] = [true, false].map((is) =>
        terms.filter(({ column }) => columns.includes(column) === is),
      )
      return {
        condition: allOf((used ?? []).map(({ indexed }) => indexed)),
        rest: (others ?? []).map((term) => term.unindexed),
        ordered: (used ?? []).every(({ ordered }) => ordered),
      }
    })
}

/**
 * Events of a way from one instant to another, both with it: an index that has them in order ends
 * with `at`, and no other may be taken for it.
 */
export function during({ condition, ordered }: Way, first: number, last: number): Condition {
  const at = ordered ? sql.ref('at') : unindexed('at', 0)
  return sql`${condition} AND ${at} >= ${first} AND ${at} <= ${last}`
}

function isWider(one: readonly string[], other: readonly string[]): boolean {
  return one.length > other.length && other.every((column) => one.includes(column))
}

/** What happened. */
export function eventTerms(search: Search): readonly Term[] {
  const { type, outcome, reason, actor, correlation, fromLine } = search
  return [
    ...equals('type', type),
    ...equals('outcome', outcome),
    ...equals('reason', reason),
    ...equals('actor', actor),
    ...equals('correlation', correlation),
    ...(fromLine === undefined
      ? []
      : [
          {
            column: 'line',
            indexed: sql`line >= ${fromLine}`,
            unindexed: sql`${unindexed('line', 0)} >= ${fromLine}`,
            ordered: false,
          },
        ]),
  ]
}

/** Where, and with what. */
export function placeTerms(search: Search): readonly Term[] {
  const { network, asn, country, kind, browser, os } = search
  return [
    ...networkTerms(network),
    ...equals('asn', asn),
    ...equals('country', country),
    ...equals('kind', kind),
    ...equals('browser', browser),
    ...equals('os', os),
  ]
}

export function equals(
  column: string,
  value: string | number | undefined,
  storedAs: (text: string) => string = keyText,
): readonly Term[] {
  if (value === undefined) return []
  const stored = typeof value === 'string' ? storedAs(value) : value
  return [
    {
      column,
      indexed: equal(column, stored),
      unindexed: equalUnindexed(column, stored),
      ordered: true,
    },
  ]
}

function networkTerms(network: string | undefined): readonly Term[] {
  const range = network === undefined ? undefined : networkRange(network)
  if (range === undefined) return []
  const { prefixes, addresses } = range
  const [first, last] = prefixes
  const prefix =
    first === last
      ? equals('prefix', first)
      : [
          {
            column: 'prefix',
            indexed: between('prefix', first, last),
            unindexed: betweenUnindexed('prefix', first, last),
            ordered: false,
          },
        ]
  if (addresses === null) return prefix
  const exact = betweenUnindexed('address_key', ...addresses)
  return [...prefix, { column: 'address_key', indexed: exact, unindexed: exact, ordered: false }]
}
