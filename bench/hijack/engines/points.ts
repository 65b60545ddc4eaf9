import type { Rule, Seen } from './rule.ts'
import { distanceOf } from './simple.ts'

/**
 * Additive points as risk products have them: the same evidence as ours, each fact by itself,
 * values set by hand.
 */
export const POINTS = {
  newPrefix: 5,
  newProvider: 15,
  newCountry: 25,
  hosting: 25,
  relay: 5,
  travel: 20,
  otherBrowser: 25,
  olderVersion: 15,
  hintsMissing: 25,
  script: 30,
  otherLanguage: 15,
  otherScreen: 5,
  otherZone: 10,
  sensitiveElsewhere: 10,
} as const

/**
 * One point for each fact that differs, as the adaptive risk modules of OpenAM and PingAM count
 * unless somebody sets other values.
 */
const COUNTED = Object.fromEntries(Object.keys(POINTS).map((name) => [name, 1])) as Record<
  keyof typeof POINTS,
  number
>

/** Points go by half in this time. */
const HALF_LIFE_MS = 30 * 60_000

interface State {
  /** What the person has been served from, for good. */
  readonly prefixes: Set<string>
  readonly providers: Set<number>
  readonly countries: Set<string>
  readonly screens: Set<string>
  readonly zones: Set<string>
  hosting: boolean
  readonly last: (Seen | undefined)[]
  readonly account: (readonly [points: number, at: number] | undefined)[]
}

export const additivePoints = pointsRule('points by hand, tuned', POINTS)
export const countedPoints = pointsRule('a point a difference, tuned', COUNTED)

function pointsRule(
  name: string,
  values: Readonly<Record<keyof typeof POINTS, number>>,
): Rule<State> {
  return {
    name,
    begin: () => ({
      prefixes: new Set(),
      providers: new Set(),
      countries: new Set(),
      screens: new Set(),
      zones: new Set(),
      hosting: false,
      last: [],
      account: [],
    }),
    copy: (state) => ({
      prefixes: new Set(state.prefixes),
      providers: new Set(state.providers),
      countries: new Set(state.countries),
      screens: new Set(state.screens),
      zones: new Set(state.zones),
      hosting: state.hosting,
      last: [...state.last],
      account: [...state.account],
    }),
    score(state, seen) {
      const before = state.last[seen.device]
      if (before === undefined) return 0
      const [points, at] = state.account[seen.device] ?? [0, seen.at]
      return points * 0.5 ** ((seen.at - at) / HALF_LIFE_MS) + pointsOf(state, before, seen, values)
    },
    served(state, seen, score) {
      const { place, facts } = seen
      state.prefixes.add(seen.prefix)
      if (place.asn !== undefined) state.providers.add(place.asn)
      if (place.country !== undefined) state.countries.add(place.country)
      if (facts.client?.screen !== undefined) state.screens.add(facts.client.screen)
      if (facts.client?.timezone !== undefined) state.zones.add(facts.client.timezone)
      if (isHosting(seen)) state.hosting = true
      state.last[seen.device] = seen
      state.account[seen.device] = [score, seen.at]
    },
  }
}

function pointsOf(
  state: State,
  before: Seen,
  seen: Seen,
  values: Readonly<Record<keyof typeof POINTS, number>>,
): number {
  const { at, facts, place, prefix, sensitive } = seen
  const { client, shown } = facts
  const was = before.facts
  const km = distanceOf(before, seen)
  const speed = km === undefined ? 0 : km / Math.max(1 / 3600, (at - before.at) / 3_600_000)
  const newProvider = place.asn !== undefined && !state.providers.has(place.asn)
  const travels =
    km !== undefined &&
    km > 500 &&
    speed > 800 &&
    newProvider &&
    !isHosting(seen) &&
    place.kind !== 'relay'
  const tests: readonly (readonly [keyof typeof POINTS, boolean])[] = [
    ['newPrefix', !state.prefixes.has(prefix)],
    ['newProvider', newProvider],
    ['newCountry', place.country !== undefined && !state.countries.has(place.country)],
    ['hosting', isHosting(seen) && !state.hosting],
    ['relay', place.kind === 'relay' && newProvider],
    ['travel', travels],
    ['script', shown.family === 'script'],
    [
      'otherBrowser',
      shown.family !== 'script' &&
        (shown.family !== was.shown.family || shown.system !== was.shown.system),
    ],
    ['olderVersion', shown.family === was.shown.family && shown.version < was.shown.version],
    ['hintsMissing', was.shown.hints && !shown.hints && shown.family === was.shown.family],
    ['otherLanguage', tagOf(seen) !== tagOf(before)],
    ['otherScreen', client?.screen !== undefined && !state.screens.has(client.screen)],
    ['otherZone', client?.timezone !== undefined && !state.zones.has(client.timezone)],
    ['sensitiveElsewhere', sensitive && newProvider],
  ]
  return tests.reduce((sum, [name, holds]) => sum + (holds ? values[name] : 0), 0)
}

function isHosting({ place: { kind } }: Seen): boolean {
  return kind === 'hosting' || kind === 'vpn' || kind === 'tor'
}

function tagOf({ facts }: Seen): string {
  return facts.headers['accept-language']?.split(/[,;]/, 1)[0] ?? ''
}
