import { attack, type Level, type ThiefRequest } from './attackers.ts'
import { DAY } from './devices.ts'
import type { Engine, Guard, Verdict } from './engines/engine.ts'
import { type Judged, judging } from './judged.ts'
import type { Person } from './people.ts'
import type { DataAt, Pools } from './pools.ts'
import type { Random } from './random.ts'
import type { Rates } from './rates.ts'
import { isForced } from './starred/attempt.ts'
import { type Attempted, type Tactic, type Theft, theftsOf, tryTactics } from './starred/tactics.ts'
import { type Request, SECOND, type Timeline, worthTaking } from './timeline.ts'

/** What a rightful user had to bear in a month, and how much they did. */
export interface Month {
  asked: number
  gated: number
  refused: number
  ended: number
  sensitive: number
  /** Of those that were asked, refused or ended: the same request of a page would have passed. */
  odd: number
}

/** One attack, from the thief's first request to two days of the owner's further use. */
export interface Attacked {
  readonly level: Level
  readonly quiet: boolean
  readonly detected: boolean
  readonly atFirst: boolean
  /** From the last request of the owner's device to the first of the thief. */
  readonly afterOwnerMs: number
  /** Of 40. */
  readonly served: number
  readonly sensitiveServed: number
  /**
   * From the thief's first request until nothing more was served or somebody was asked, minutes;
   * null: never.
   */
  readonly exposedMinutes: number | null
  /** Times that the owner was asked because of the thief. */
  readonly ownerAsked: number
}

export interface Played {
  readonly first: Month
  readonly second: Month
  readonly attacks: readonly Attacked[]
  readonly changes: readonly Judged[]
  readonly starred: readonly Attempted[]
}

export interface Playing {
  readonly person: Person
  readonly timeline: Timeline
  readonly pools: Pools
  readonly data: DataAt
  readonly rates: Rates
  /** For the attacks alone: the same ones for every engine. */
  readonly rng: Random
  readonly levels: readonly Level[]
  /** A3c and A4 also with a thief who touches nothing sensitive. */
  readonly quietToo?: boolean
  /**
   * So many thieves a level are judged by their first request alone, beside every change of the
   * owner.
   */
  readonly judged?: number
  /** What thieves do who know the code. */
  readonly tactics?: readonly Tactic[]
}

const AFTERWARDS_MS = 2 * DAY

interface Planned {
  readonly level: Level
  readonly quiet: boolean
  /** The request after whose answer the cookie is copied. */
  readonly after: Request
}

/**
 * Two months of one person under one engine: the first is history, in the second every thief has
 * one try.
 */
export async function play(engine: Engine, playing: Playing): Promise<Played> {
  const { person, timeline, data, judged = 0, tactics = [] } = playing
  const guard = engine.guard(person, { data, clock: { at: 0 } })
  const planned = plan(playing)
  const months = [emptyMonth(), emptyMonth()] as const
  const attacks: Attacked[] = []
  const starred: Attempted[] = []
  const thefts = theftsOf(playing, tactics)
  const judge = judged > 0 ? judging(playing, judged) : undefined

  for (const [index, request] of timeline.requests.entries()) {
    await judge?.before(guard, request)
    const { plain } = request
    const before = plain === null ? undefined : await guard.clone()
    const verdict = await guard.owner(request)
    judge?.after(guard, request, verdict)
    const month = months[request.at < SECOND ? 0 : 1]
    tally(month, verdict, request)
    if (plain !== null && isBad(verdict)) {
      const page = await before?.owner({ ...request, facts: plain })
      if (page !== undefined && !isBad(page)) month.odd++
    }
    for (const plan of planned.get(request) ?? []) {
      attacks.push(
        await tryAttack(guard, plan, { playing, future: timeline.requests.slice(index + 1) }),
      )
    }
    for (const theft of thefts.get(request) ?? [])
      starred.push(...(await tryTactics(guard, theft, tactics)))
  }
  return { first: months[0], second: months[1], attacks, starred, changes: judge?.changes ?? [] }
}

interface Rehearsed {
  readonly theft: Theft
  readonly guard: Guard
}

const rehearsed = new Map<string, readonly Rehearsed[]>()

/**
 * The tactics alone. What was before the thefts is played once for each `scene` and kept, so that
 * many tactics can be tried from there.
 */
export async function rehearse(
  engine: Engine,
  playing: Playing,
  { scene, tactics }: { readonly scene: string; readonly tactics: readonly Tactic[] },
): Promise<Played> {
  const key = `${engine.name} ${scene}`
  const scenes = rehearsed.get(key) ?? (await scenesUntilTheft(engine, playing, tactics))
  rehearsed.set(key, scenes)
  const starred: Attempted[] = []
  for (const { guard, theft } of scenes) starred.push(...(await tryTactics(guard, theft, tactics)))
  return { first: emptyMonth(), second: emptyMonth(), attacks: [], starred, changes: [] }
}

async function scenesUntilTheft(
  engine: Engine,
  playing: Playing,
  tactics: readonly Tactic[],
): Promise<readonly Rehearsed[]> {
  const { person, timeline, data } = playing
  const guard = engine.guard(person, { data, clock: { at: 0 } })
  const thefts = theftsOf(playing, tactics)
  const scenes: Rehearsed[] = []
  let left = [...thefts.values()].flat().length
  for (const request of timeline.requests) {
    if (left === 0) break
    await guard.owner(request)
    for (const theft of thefts.get(request) ?? []) {
      scenes.push({ theft, guard: await guard.clone() })
      left--
    }
  }
  return scenes
}

function plan({
  timeline,
  person,
  levels,
  quietToo = false,
  rng,
}: Playing): ReadonlyMap<Request, readonly Planned[]> {
  const candidates = worthTaking(timeline)
  const planned = new Map<Request, Planned[]>()
  if (candidates.length === 0) return planned
  for (const level of levels) {
    for (const quiet of quietToo && (level === 'A3c' || level === 'A4') ? [false, true] : [false]) {
      const draws = rng.stream(`plan ${level} ${quiet} ${person.name}`)
      const after = draws.pick(candidates)
      planned.set(after, [...(planned.get(after) ?? []), { level, quiet, after }])
    }
  }
  return planned
}

async function tryAttack(
  guard: Guard,
  { level, quiet, after }: Planned,
  { playing, future }: { readonly playing: Playing; readonly future: readonly Request[] },
): Promise<Attacked> {
  const { person, pools, rates, rng } = playing
  const copy = await guard.clone()
  const { device } = after
  const requests = attack(level, after, {
    person,
    pools,
    rates,
    quiet,
    following: future.filter((each) => each.device === device),
    rng: rng.stream(`attack ${level} ${quiet} ${person.name}`),
  })
  const [first] = requests
  const began = first?.at ?? 0
  const loot =
    level === 'A5'
      ? 'own cookie jar'
      : level === 'A6' && first !== undefined
        ? await copy.phish(first)
        : copy.steal(device)
  const owners =
    level === 'A6'
      ? []
      : future.filter((each) => each.device === device && each.at <= began + AFTERWARDS_MS)

  const state = {
    served: 0,
    sensitive: 0,
    atFirst: false,
    detectedAt: null as number | null,
    asked: 0,
    started: false,
  }
  for (const step of merged(owners, requests)) {
    if (step.by === 'owner') {
      const verdict = await copy.owner(step.request)
      if (state.started && isForced(verdict)) {
        // a jar that was rolled back once more proves two holders without any thief
        if (state.asked === 0 || !step.request.rolledBack) state.asked++
        state.detectedAt ??= step.request.at
      }
      if (state.started && verdict.answer === 'ended') state.detectedAt ??= step.request.at
      continue
    }
    const verdict =
      loot === undefined
        ? ({ answer: 'ok' } as const)
        : await copy.thief(loot, step.request, device)
    if (!state.started) state.atFirst = verdict.answer !== 'ok'
    state.started = true
    if (verdict.answer === 'ok') {
      state.served += step.request.stands
      if (step.request.sensitive) state.sensitive++
    } else if (verdict.answer !== 'gated' || step.request.sensitive)
      state.detectedAt ??= step.request.at
  }
  return {
    level,
    quiet,
    detected: state.detectedAt !== null,
    atFirst: state.atFirst,
    afterOwnerMs: began - (owners.findLast(({ at }) => at <= began) ?? after).at,
    served: state.served,
    sensitiveServed: state.sensitive,
    exposedMinutes: state.detectedAt === null ? null : (state.detectedAt - began) / 60_000,
    // whose own cookie jar forks without any thief is not asked because of one
    ownerAsked:
      state.asked > 1 ? state.asked - (await askedAnyway(guard, owners, began)) : state.asked,
  }
}

/** How often the owner would have been asked in the same time if there had been no thief. */
async function askedAnyway(
  guard: Guard,
  owners: readonly Request[],
  began: number,
): Promise<number> {
  const copy = await guard.clone()
  let asked = 0
  for (const request of owners) {
    if (isForced(await copy.owner(request)) && request.at > began) asked++
  }
  return asked
}

type Step =
  | { readonly by: 'owner'; readonly request: Request }
  | { readonly by: 'thief'; readonly request: ThiefRequest }

function merged(owners: readonly Request[], thief: readonly ThiefRequest[]): readonly Step[] {
  const steps: Step[] = [
    ...owners.map((request) => ({ by: 'owner', request }) as const),
    ...thief.map((request) => ({ by: 'thief', request }) as const),
  ]
  return steps.sort((a, b) => a.request.at - b.request.at)
}

function tally(month: Month, { answer }: Verdict, { sensitive }: Request): void {
  if (sensitive) month.sensitive++
  if (answer !== 'ok') month[answer]++
}

function isBad({ answer }: Verdict): boolean {
  return answer !== 'ok' && answer !== 'gated'
}

function emptyMonth(): Month {
  return { asked: 0, gated: 0, refused: 0, ended: 0, sensitive: 0, odd: 0 }
}
