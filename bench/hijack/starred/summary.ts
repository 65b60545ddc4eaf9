import { quantile, type Share, shareOf } from '../stats.ts'
import type { Disguise } from './disguise.ts'
import { AIMS, type Aim, STARRED, type Starred } from './levels.ts'
import type { Attempted } from './tactics.ts'

/** What thieves who know the code got of one engine in one world. */
export interface StarredSummary {
  readonly level: Starred
  readonly aim: Aim
  /** Attacks in which nothing sensitive was served. */
  readonly clean: Share
  /** Found, of the attacks in which the owner went on, too. */
  readonly found: Share
  readonly atFirst: Share
  /** Median and 90th percentile. */
  readonly served: readonly [number, number]
  /** Median over those that were found. */
  readonly exposedMinutes: number | null
  /** Of the first request, dB, median. */
  readonly score: number
  /** What was shown first, the most frequent three. */
  readonly recipes: readonly Recipe[]
}

export interface Recipe {
  readonly text: string
  readonly share: number
  /** Median, dB. */
  readonly score: number
}

export function starredSummaries(attempted: readonly Attempted[]): readonly StarredSummary[] {
  return STARRED.flatMap((level) =>
    AIMS.flatMap((aim) => {
      const some = attempted.filter((each) => each.level === level && each.aim === aim)
      return some.length === 0 ? [] : [{ level, aim, ...measured(some) }]
    }),
  )
}

function measured(some: readonly Attempted[]): Omit<StarredSummary, 'level' | 'aim'> {
  const count = (of: readonly Attempted[], test: (each: Attempted) => boolean): Share =>
    shareOf(of.filter(test).length, of.length)
  const exposed = some.flatMap(({ exposedMinutes }) => exposedMinutes ?? [])
  const served = some.map((each) => each.served)
  return {
    clean: count(some, ({ sensitiveServed }) => sensitiveServed === 0),
    found: count(
      some.filter(({ ownerWentOn }) => ownerWentOn),
      ({ detected }) => detected,
    ),
    atFirst: count(some, ({ atFirst }) => atFirst),
    served: [quantile(served, 0.5), quantile(served, 0.9)],
    exposedMinutes: exposed.length === 0 ? null : quantile(exposed, 0.5),
    score: quantile(
      some.flatMap(({ shown }) => shown?.score ?? []),
      0.5,
    ),
    recipes: recipesOf(some),
  }
}

const TOLD = 3

function recipesOf(some: readonly Attempted[]): readonly Recipe[] {
  const scores = new Map<string, number[]>()
  for (const { shown } of some) {
    if (shown === null) continue
    const text = recipeText(shown.disguise)
    scores.set(text, [...(scores.get(text) ?? []), shown.score])
  }
  return [...scores]
    .sort(([, a], [, b]) => b.length - a.length)
    .slice(0, TOLD)
    .map(([text, of]) => ({ text, share: of.length / some.length, score: quantile(of, 0.5) }))
}

/** What differs from a whole copy. */
function recipeText(disguise: Disguise): string {
  const { route, agent, version, hints, language, screen, clock, kind } = disguise
  const parts = [
    `through ${route.name}`,
    agent === 'copied' ? '' : `agent ${agent}`,
    version === 0 ? '' : `version ${version > 0 ? '+' : ''}${version}`,
    hints === 'copied' ? '' : 'without hints',
    language === 'copied' ? '' : 'without a language',
    screen === 'copied' ? '' : 'without a screen',
    clock === "the victim's" ? '' : `clock ${clock}`,
    kind === 'page' ? '' : `as a ${kind}`,
  ]
  return parts.filter((part) => part !== '').join(', ')
}
