import {
  type Estate,
  type Jar,
  LATEST_ANSWER_MS,
  type Place,
  type Showing,
} from './rotation-world.ts'

/** How somebody uses an application, and what becomes of the requests. Times in ms. */
export interface Habits {
  /** Between two visits to a page. */
  readonly think: Range
  /** Until an answer: it is judged in the middle. */
  readonly answers: Range
  /** Chains of calls that run in parallel, and the calls of each, one after the other. */
  readonly chains: number
  readonly calls: number
  /** Shares of requests, 0 to 1. */
  readonly sensitive: number
  readonly lost: number
  readonly undeliverable: number
  /** Received twice. */
  readonly repeated: number
  /** Under way for up to a minute. */
  readonly queued: number
  /** Answered as late as an answer may be. */
  readonly late: number
  readonly places: readonly Place[]
}

type Range = readonly [number, number]

/** Pages, now and then, from one place. */
export const READING: Habits = {
  think: [4_000, 90_000],
  answers: [30, 400],
  chains: 0,
  calls: 0,
  sensitive: 0.05,
  lost: 0,
  undeliverable: 0,
  repeated: 0,
  queued: 0,
  late: 0,
  places: ['home'],
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Somebody uses an application for hours from one jar: a page, what it loads, its chains of calls.
 * Ends early when anybody is refused.
 */
export async function useFor(
  world: Estate,
  jar: Jar,
  habits: Habits,
  { ms, random }: { readonly ms: number; readonly random: () => number },
): Promise<void> {
  const end = world.now() + ms
  let refused = false

  const between = ([from, to]: Range): number => Math.round(from + (to - from) * random())
  const chance = (share: number): boolean => share > 0 && random() < share

  function request(done: () => void = () => {}): void {
    if (refused) return
    const whole = between(habits.answers)
    const up = chance(habits.queued) ? between([2_000, 58_000]) : Math.round(whole / 2)
    const how: Showing = {
      sensitive: chance(habits.sensitive),
      deliverable: !chance(habits.undeliverable),
      place: habits.places[between([0, habits.places.length - 1])] ?? 'home',
      process: chance(0.5) ? 1 : 0,
    }
    const again = chance(habits.repeated) ? between([0, 59_000]) : undefined
    const late = chance(habits.late) ? LATEST_ANSWER_MS - 1 : Math.round(whole / 2)
    const down = chance(habits.lost) ? undefined : late
    jar.send({
      up,
      again,
      down,
      how,
      done({ kind }) {
        if (kind === 'refused') refused = true
        else done()
      },
    })
  }

  function chain(calls: number): void {
    if (calls === 0) return
    request(() => world.at(world.now() + between([0, 100]), () => chain(calls - 1)))
  }

  function visit(): void {
    if (refused || world.now() > end) return
    request(() => {
      for (let parts = between([0, 3]); parts > 0; parts--) {
        world.at(world.now() + between([0, 250]), () => request())
      }
    })
    for (let started = 0; started < habits.chains; started++) {
      world.at(world.now() + between([0, 100]), () => chain(habits.calls))
    }
    world.at(world.now() + between(habits.think), visit)
  }

  visit()
  await world.run()
}
