import { attack, LEVELS, type Level, MIXTURE, type ThiefRequest } from './attackers.ts'
import type { Guard, Loot, Verdict } from './engines/engine.ts'
import type { Playing } from './play.ts'
import { type Request, worthTaking } from './timeline.ts'

/** A change of context and what was said of it. */
export interface Judged {
  /** Null: the owner's own. */
  readonly thief: Level | null
  readonly score: number
  readonly because: readonly { readonly reason: string; readonly weight: number }[]
}

/** Levels that a thief is drawn from where the ladder is one thief. */
export const MIXED = LEVELS.filter((level) => MIXTURE[level] !== undefined)

/**
 * What is said of the owner's changes, and of the first requests of thieves that change nothing
 * else.
 */
export interface Judging {
  /** Before the owner's request: thieves who come first. */
  before(guard: Guard, request: Request): Promise<void>
  after(guard: Guard, request: Request, verdict: Verdict): void
  readonly changes: readonly Judged[]
}

interface Theft {
  readonly level: Level
  readonly after: Request
  readonly first: ThiefRequest
}

/**
 * A first request is judged on a copy of the session as it stands then, so any number of thieves
 * disturb nobody.
 */
export function judging(playing: Playing, tries: number): Judging {
  const thefts = theftsOf(playing, tries)
  const taken = new Map<Theft, Loot>()
  const changes: Judged[] = []
  let next = 0

  const note = (thief: Level | null, { score, because = [] }: Verdict): void => {
    if (score === undefined) return
    const reasons = because.map(({ reason, weight }) => ({ reason, weight }))
    changes.push({ thief, score, because: reasons })
  }

  return {
    changes,
    async before(guard, { at }) {
      for (; (thefts[next]?.first.at ?? Number.POSITIVE_INFINITY) < at; next++) {
        const theft = thefts[next]
        const loot = theft === undefined ? undefined : taken.get(theft)
        if (theft === undefined || loot === undefined) continue
        const copy = await guard.clone()
        note(theft.level, await copy.thief(loot, theft.first, theft.after.device))
      }
    },
    after(guard, request, verdict) {
      if (request.changed) note(null, verdict)
      for (const theft of thefts)
        if (theft.after === request) taken.set(theft, guard.steal(request.device))
    },
  }
}

/** In the order of their use. */
function theftsOf(playing: Playing, tries: number): readonly Theft[] {
  const { person, pools, rates, timeline, rng } = playing
  const candidates = worthTaking(timeline)
  if (candidates.length === 0) return []
  const thefts = MIXED.flatMap((level) =>
    Array.from({ length: tries }, (_, number) => {
      const draws = rng.stream(`judged ${level} ${number} ${person.name}`)
      const after = draws.pick(candidates)
      const [first] = attack(level, after, { person, pools, rates, rng: draws })
      return first === undefined ? [] : [{ level, after, first }]
    }).flat(),
  )
  return thefts.sort((a, b) => a.first.at - b.first.at)
}
