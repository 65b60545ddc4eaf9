import type { Guard } from '../engines/engine.ts'
import type { Playing } from '../play.ts'
import { type Request, worthTaking } from '../timeline.ts'
import { type Attempt, attempt } from './attempt.ts'
import type { Aim, Starred } from './levels.ts'
import type { Schedule } from './schedule.ts'

/** What a thief of a level does for an aim. */
export interface Tactic {
  readonly level: Starred
  readonly aim: Aim
  readonly schedule: Schedule
}

/** One attack, and which of the tactics it was. */
export interface Attempted extends Attempt {
  readonly level: Starred
  readonly aim: Aim
  readonly tactic: number
}

/** The moment at which a thief of a level copies the secret, and what follows for the owner. */
export interface Theft {
  readonly level: Starred
  readonly playing: Playing
  readonly victim: Request
  readonly owners: readonly Request[]
}

/** One theft a level: every tactic of the level begins with it. */
export function theftsOf(
  playing: Playing,
  tactics: readonly Tactic[],
): ReadonlyMap<Request, readonly Theft[]> {
  const { timeline, person, rng } = playing
  const thefts = new Map<Request, Theft[]>()
  const candidates = worthTaking(timeline)
  if (candidates.length === 0) return thefts
  for (const level of new Set(tactics.map((tactic) => tactic.level))) {
    const victim = rng.stream(`plan ${level} ${person.name}`).pick(candidates)
    const owners = timeline.requests.filter(
      ({ at, device }) => device === victim.device && at > victim.at,
    )
    thefts.set(victim, [...(thefts.get(victim) ?? []), { level, playing, victim, owners }])
  }
  return thefts
}

export async function tryTactics(
  guard: Guard,
  { level, playing, victim, owners }: Theft,
  tactics: readonly Tactic[],
): Promise<readonly Attempted[]> {
  const { person, pools, data, rng } = playing
  const tried: Attempted[] = []
  for (const [tactic, { level: of, aim, schedule }] of tactics.entries()) {
    if (of !== level) continue
    const draws = rng.stream(`starred ${level} ${aim} ${person.name}`)
    const means = { level, victim, person, pools, data, rng: draws }
    const scene = { guard: await guard.clone(), means, owners, rng: draws }
    tried.push({ level, aim, tactic, ...(await attempt(scene, { aim, schedule })) })
  }
  return tried
}
