import type { Crew } from '../crew.ts'
import { type Random, random } from '../random.ts'
import { AIMS, type Aim, STARRED } from './levels.ts'
import { FIXED, SCHEDULES, type Schedule } from './schedule.ts'
import type { Attempted, Tactic } from './tactics.ts'

const STARTS = 2
const SWEEPS = 2

/**
 * The best schedule of each level for each aim, found on the tuning seeds: greedy over its parts,
 * from several starts at once.
 */
export async function rehearsed(
  crew: Crew,
  {
    seed,
    engine,
    people,
  }: { readonly seed: string; readonly engine: string; readonly people: number },
): Promise<readonly Tactic[]> {
  const rng = random(`schedules ${seed}`)
  let climbers = STARRED.flatMap((level) =>
    AIMS.flatMap((aim) =>
      Array.from({ length: STARTS }, (_, start): Climber => {
        return { level, aim, schedule: { ...startOf(rng, start), ...FIXED[aim] }, worth: -1 }
      }),
    ),
  )
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const part of Object.keys(SCHEDULES) as (keyof Schedule)[]) {
      const tries = climbers.map((climber) => variantsOf(climber, part))
      const tactics = tries.flat()
      const rows = await crew.run({
        purpose: 'tuning',
        seed,
        world: 'nominal',
        spec: { engine },
        from: 0,
        until: people,
        levels: [],
        tactics,
        rehearses: true,
      })
      const worth = worths(
        tactics,
        rows.flatMap(({ starred }) => starred),
      )
      let next = 0
      climbers = tries.map((some, at) =>
        some.reduce<Climber>(
          (best, tactic) => {
            const found = worth[next++] ?? -1
            return found > best.worth ? { ...tactic, worth: found } : best
          },
          { ...climberAt(climbers, at), worth: -1 },
        ),
      )
    }
  }
  return STARRED.flatMap((level) =>
    AIMS.map((aim) =>
      climbers
        .filter((each) => each.level === level && each.aim === aim)
        .reduce((best, each) => (each.worth > best.worth ? each : best)),
    ),
  ).map(({ level, aim, schedule }) => ({ level, aim, schedule }))
}

interface Climber extends Tactic {
  readonly worth: number
}

function climberAt(climbers: readonly Climber[], at: number): Climber {
  const climber = climbers[at]
  if (climber === undefined) throw new RangeError('no such start')
  return climber
}

/** The first start is the plain one. */
function startOf(rng: Random, start: number): Schedule {
  const parts = Object.entries(SCHEDULES).map(([part, values]) => [
    part,
    start === 0 ? values[0] : rng.pick<unknown>(values),
  ])
  return Object.fromEntries(parts) as Schedule
}

function variantsOf({ level, aim, schedule }: Tactic, part: keyof Schedule): readonly Tactic[] {
  const values = part in FIXED[aim] ? [schedule[part]] : SCHEDULES[part]
  return values.map((value) => ({ level, aim, schedule: { ...schedule, [part]: value } }))
}

/** How good each tactic was, on average. */
function worths(tactics: readonly Tactic[], attempted: readonly Attempted[]): readonly number[] {
  return tactics.map(({ aim }, at) => {
    const some = attempted.filter(({ tactic }) => tactic === at)
    return some.reduce((sum, each) => sum + worthOf(aim, each), 0) / Math.max(1, some.length)
  })
}

/** What he wants comes first; being served longer before he is found settles what is equal. */
function worthOf(
  aim: Aim,
  { detected, served, sensitiveServed, exposedMinutes }: Attempted,
): number {
  const wanted = aim === 'reach' ? sensitiveServed > 0 : !detected
  const minutes = exposedMinutes ?? 10_000
  return (wanted ? 1 : 0) + served / 1e4 + Math.min(minutes, 10_000) / 1e7
}
