import type { Guard, Loot, Verdict } from '../engines/engine.ts'
import type { Random } from '../random.ts'
import type { Request } from '../timeline.ts'
import { choicesOf, type Disguise, type Means } from './disguise.ts'
import type { Aim } from './levels.ts'
import { type Schedule, type Step, stepsOf } from './schedule.ts'
import { bestDisguise, type Found } from './search.ts'

/** One attack of a thief who knows everything but the future. */
export interface Attempt {
  readonly detected: boolean
  readonly atFirst: boolean
  readonly served: number
  readonly sensitiveServed: number
  readonly exposedMinutes: number | null
  /** What he showed first, and the score of that. Null: the secret opened nothing any more. */
  readonly shown: { readonly disguise: Disguise; readonly score: number } | null
  /** The owner went on, too: rotation could show two holders. */
  readonly ownerWentOn: boolean
}

/** As it stands when the secret is copied. The guard is his own copy of the future. */
export interface Scene {
  readonly guard: Guard
  readonly means: Means
  /** What the owner's device sends afterwards. */
  readonly owners: readonly Request[]
  readonly rng: Random
}

const AFTERWARDS_MS = 2 * 86_400_000
/** A secret is due for rotation after five minutes, and its successor has to be shown. */
const ROTATED_MS = 12 * 60_000

export async function attempt(
  { guard, means, owners: future, rng }: Scene,
  { aim, schedule }: { readonly aim: Aim; readonly schedule: Schedule },
): Promise<Attempt> {
  const { victim } = means
  const loot = guard.steal(victim.device)
  const planned = stepsOf(aim, schedule, { stolen: victim.at, owners: future })
  const began = planned[0]?.at ?? victim.at
  const until = (planned.at(-1)?.at ?? began) + AFTERWARDS_MS
  const owners = future.filter(({ at }) => at <= until)
  const thief = holding(guard, loot, { means, rng })
  const state = {
    served: 0,
    sensitive: 0,
    atFirst: false,
    started: false,
    detectedAt: null as number | null,
  }

  for (const step of merged(owners, planned)) {
    if (state.detectedAt !== null) break
    if ('facts' in step) {
      const verdict = await guard.owner(step)
      const found = state.started && (isForced(verdict) || verdict.answer === 'ended')
      if (found) state.detectedAt = step.at
      continue
    }
    const verdict = await thief.asks(step)
    if (!state.started) state.atFirst = verdict.answer !== 'ok'
    state.started = true
    if (verdict.answer === 'ok') {
      state.served++
      if (step.sensitive) state.sensitive++
    } else if (verdict.answer !== 'gated') state.detectedAt = step.at
  }

  const seen = owners.filter(({ at }) => at > began).map(({ at }) => at)
  const [from = 0, to = 0] = [seen[0], seen.at(-1)]
  return {
    detected: state.detectedAt !== null,
    atFirst: state.atFirst,
    served: state.served,
    sensitiveServed: state.sensitive,
    exposedMinutes: state.detectedAt === null ? null : (state.detectedAt - began) / 60_000,
    shown: thief.shown(),
    ownerWentOn: to - from >= ROTATED_MS,
  }
}

/** Below this nothing is observed: a disguise that does this well is kept. */
const UNSEEN_DB = 12

interface Thief {
  asks(step: Step): Promise<Verdict>
  shown(): Attempt['shown']
}

/** Looks for a disguise when a visit begins, and when the one that he has would not do. */
function holding(
  guard: Guard,
  loot: Loot,
  { means, rng }: { readonly means: Means; readonly rng: Random },
): Thief {
  const choices = choicesOf(means)
  const { device } = means.victim
  let worn: Found | undefined
  let shown: Attempt['shown'] = null

  async function dressed(step: Step): Promise<Found | undefined> {
    const { at, sensitive, opens } = step
    const base = worn?.request ?? { address: '', facts: means.victim.facts, stands: 1 }
    if (worn !== undefined && !opens && !sensitive) {
      return { ...worn, request: { ...base, at, sensitive } }
    }
    const address = worn?.disguise.route.address ?? means.victim.address
    const oracle = await guard.oracle?.(loot, { ...base, at, address, sensitive }, device)
    if (oracle === undefined) return undefined
    if (worn !== undefined) {
      const again = { ...worn.request, at, sensitive }
      const verdict = oracle.judge(again)
      if (verdict.answer === 'ok' && (verdict.score ?? 0) < UNSEEN_DB)
        return { ...worn, request: again, verdict }
    }
    return bestDisguise(oracle, { at, sensitive }, { means, choices, rng, last: worn?.disguise })
  }

  return {
    shown: () => shown,
    async asks(step) {
      const found = await dressed(step)
      if (found === undefined) return { answer: 'ended' }
      worn = found
      shown ??= { disguise: found.disguise, score: found.verdict.score ?? 0 }
      return guard.thief(loot, { ...found.request, discards: step.discards }, device)
    },
  }
}

/** A step-up that another holder of the session is the reason for. */
export function isForced({ answer, because = [] }: Verdict): boolean {
  return (
    answer !== 'ok' &&
    because.some(({ reason }) => reason === 'secret_forked' || reason === 'evidence_inherited')
  )
}

function merged(owners: readonly Request[], thief: readonly Step[]): readonly (Request | Step)[] {
  return [...owners, ...thief].sort((a, b) => a.at - b.at)
}
