import { LEVELS, type Level } from './attackers.ts'
import type { Row } from './job.ts'
import type { Cohort } from './people.ts'
import type { Attacked, Month } from './play.ts'
import { random } from './random.ts'
import { type StarredSummary, starredSummaries } from './starred/summary.ts'
import { type Mean, meanOf, quantile, type Share, shareOf, sum } from './stats.ts'

/** What one engine did to the people of one world. */
export interface Summary {
  readonly users: number
  /** False step-ups a user and month in the second month: by evidence or fork, not by the gate. */
  readonly falseStepUps: Mean
  /** Users who were asked at all in the second month, the gate not counted. */
  readonly usersHit: Share
  /** Prompts by the gate alone a user and month, and their share of rightful sensitive actions. */
  readonly gated: Mean
  readonly gatedShare: number
  /** Sessions of rightful users that were ended by evidence, in both months. */
  readonly ended: number
  readonly userMonths: number
  /**
   * False step-ups in both months at requests of workers and sockets, or under old zone names,
   * which the same request of a page would have passed.
   */
  readonly odd: number
  /** The month that begins without a history. */
  readonly firstMonth: Mean
  readonly cohorts: Readonly<
    Partial<Record<Cohort, { readonly second: Mean; readonly first: Mean }>>
  >
  readonly levels: Readonly<Partial<Record<string, LevelSummary>>>
  readonly starred: readonly StarredSummary[]
  readonly load: { readonly requests: number; readonly changes: number; readonly devices: number }
}

export interface LevelSummary {
  readonly detected: Share
  readonly atFirst: Share
  /** The same, of those who came within two hours of the owner's last use. */
  readonly atFirstSoon: Share
  readonly clean: Share
  /** Of 40 requests, median and 90th percentile. */
  readonly served: readonly [number, number]
  /** Median over those that were detected. */
  readonly exposedMinutes: number | null
  /** Most prompts that one attack caused the owner. */
  readonly ownerAsked: number
}

const SOON_MS = 2 * 3_600_000

export function summary(rows: readonly Row[]): Summary {
  const rng = random('bootstrap')
  const second = rows.map(({ second }) => second)
  const cohorts = [...new Set(rows.flatMap(({ cohorts }) => cohorts))].sort()
  const sensitive = sum(second.map((month) => month.sensitive))
  return {
    users: rows.length,
    falseStepUps: meanOf(second.map(disturbed), rng),
    usersHit: shareOf(second.filter((month) => disturbed(month) > 0).length, rows.length),
    gated: meanOf(
      second.map(({ gated }) => gated),
      rng,
    ),
    gatedShare: sum(second.map(({ gated }) => gated)) / Math.max(1, sensitive),
    ended: sum(rows.map((row) => row.first.ended + row.second.ended)),
    userMonths: rows.length * 2,
    odd: sum(rows.map(({ first, second }) => first.odd + second.odd)),
    firstMonth: meanOf(
      rows.map(({ first }) => disturbed(first)),
      rng,
    ),
    cohorts: Object.fromEntries(
      cohorts.map((cohort) => {
        const some = rows.filter((row) => row.cohorts.includes(cohort))
        return [
          cohort,
          {
            second: meanOf(
              some.map((row) => disturbed(row.second)),
              rng,
            ),
            first: meanOf(
              some.map((row) => disturbed(row.first)),
              rng,
            ),
          },
        ]
      }),
    ),
    levels: levelsOf(rows.flatMap(({ attacks }) => attacks)),
    starred: starredSummaries(rows.flatMap(({ starred }) => starred)),
    load: {
      requests: sum(rows.map(({ load }) => load.requests)) / rows.length / 2,
      changes: sum(rows.map(({ load }) => load.changes)) / rows.length / 2,
      devices: sum(rows.map(({ load }) => load.devices)) / rows.length,
    },
  }
}

/** Not what the gate asks: that is counted by itself. */
function disturbed({ asked, refused, ended }: Month): number {
  return asked + refused + ended
}

function levelsOf(attacks: readonly Attacked[]): Summary['levels'] {
  const found: Partial<Record<string, LevelSummary>> = {}
  for (const level of LEVELS) {
    for (const quiet of [false, true]) {
      const some = attacks.filter((attack) => attack.level === level && attack.quiet === quiet)
      if (some.length > 0) found[nameOf(level, quiet)] = levelSummary(some)
    }
  }
  return found
}

function nameOf(level: Level, quiet: boolean): string {
  return quiet ? `${level} quiet` : level
}

function levelSummary(attacks: readonly Attacked[]): LevelSummary {
  const count = (test: (attack: Attacked) => boolean): Share =>
    shareOf(attacks.filter(test).length, attacks.length)
  const soon = attacks.filter(({ afterOwnerMs }) => afterOwnerMs <= SOON_MS)
  const served = attacks.map((attack) => attack.served)
  const exposed = attacks.flatMap(({ exposedMinutes }) => exposedMinutes ?? [])
  return {
    detected: count(({ detected }) => detected),
    atFirst: count(({ atFirst }) => atFirst),
    atFirstSoon: shareOf(soon.filter(({ atFirst }) => atFirst).length, soon.length),
    clean: count(({ sensitiveServed }) => sensitiveServed === 0),
    served: [quantile(served, 0.5), quantile(served, 0.9)],
    exposedMinutes: exposed.length === 0 ? null : quantile(exposed, 0.5),
    ownerAsked: Math.max(...attacks.map(({ ownerAsked }) => ownerAsked)),
  }
}
