import { thresholdPolicy } from 'holdfast'
import { type World, world } from '../world.ts'
import type { Engine } from './engine.ts'
import { freeman, type Population, populationOf } from './freeman.ts'
import { onlyForks, ours, type Variant, withoutBehaviour } from './ours.ts'
import { additivePoints, countedPoints } from './points.ts'
import { prefixOf, type Rule, ruleEngine } from './rule.ts'
import {
  guardedTravel,
  nothing,
  sameAddress,
  sameAgent,
  samePrefix,
  vendorTravel,
} from './simple.ts'

/** An engine by name, so that a worker can make it. Rules that are tuned carry their threshold. */
export interface Spec {
  readonly engine: string
  readonly threshold?: number
}

const NEVER_MS = 400 * 86_400_000
/** Where no secret is ever due, none is overdue. */
const UNROTATED = { rotates: false, rotateEvery: NEVER_MS } as const

/** A factor that belongs to the action that it was asked for. */
const FOR_THIS_MS = 10_000

const VARIANTS: Readonly<Record<string, Omit<Variant, 'name'>>> = {
  Holdfast: { rotates: true, gate: true },
  'Holdfast, a factor for each sensitive action': {
    rotates: true,
    gate: true,
    freshMs: FOR_THIS_MS,
  },
  'Holdfast, a factor of five minutes on sensitive routes': {
    rotates: true,
    gate: true,
    freshMs: 5 * 60_000,
  },
  'Holdfast, evidence alone': { ...UNROTATED, gate: false },
  'Holdfast, evidence without behaviour': {
    ...UNROTATED,
    gate: false,
    signals: withoutBehaviour,
  },
  'Holdfast, rotation alone': { rotates: true, gate: true, signals: onlyForks },
  'no rotation': { ...UNROTATED, gate: true },
  'same successor always': { rotates: true, gate: true, sameSuccessor: true },
  'rotation every 5 minutes alone': { rotates: true, gate: false },
  'rotation before sensitive routes alone': { rotates: true, gate: true, rotateEvery: NEVER_MS },
}

/** Untuned rules answer 0 or 1. */
const make =
  <State>(rule: Rule<State>) =>
  (threshold = 1): Engine =>
    ruleEngine(rule, threshold)

const RULES: Readonly<Record<string, (threshold?: number) => Engine>> = {
  [nothing.name]: make(nothing),
  [sameAddress.name]: make(sameAddress),
  [samePrefix.name]: make(samePrefix),
  [sameAgent.name]: make(sameAgent),
  [vendorTravel.name]: make(vendorTravel),
  [guardedTravel.name]: make(guardedTravel),
  [countedPoints.name]: make(countedPoints),
  [additivePoints.name]: make(additivePoints),
}

/** Rules whose threshold is tuned on the tuning seeds. */
export const TUNED = [countedPoints.name, additivePoints.name, 'Freeman et al., tuned'] as const

let population: Population | undefined

export function engineOf({ engine, threshold }: Spec, seed: string): Engine {
  const variant = VARIANTS[engine]
  if (variant !== undefined) {
    const policy =
      threshold === undefined
        ? {}
        : {
            policy: thresholdPolicy({
              observe: threshold / 2,
              challenge: threshold,
              limit: 50,
              revokeForks: false,
            }),
          }
    return ours({ name: engine, ...variant, ...policy })
  }
  const rule = RULES[engine]
  if (rule !== undefined) return rule(threshold)
  if (engine === 'Freeman et al., tuned') {
    population ??= populationIn(world('tuning', seed, 'nominal'))
    return ruleEngine(freeman(population), threshold ?? 10)
  }
  throw new Error(`there is no engine called ${engine}`)
}

const COUNTED = 150

/** How common values are: from people that nothing is reported of. */
function populationIn({ life, data }: World): Population {
  const numbers = Array.from({ length: COUNTED }, (_, number) => number)
  return populationOf(
    numbers.flatMap((number) =>
      life(number)
        .timeline.requests.filter(({ changed }) => changed)
        .map((request) => ({
          ...request,
          prefix: prefixOf(request.address),
          place: data(request.address, request.at) ?? {},
        })),
    ),
  )
}
