import fc from 'fast-check'
import type { WriteFault } from './faulty-store.ts'
import {
  type Estate,
  generationOf,
  jarOf,
  LATEST_ANSWER_MS,
  type Line,
  type Place,
  type Request,
  RULE,
  type Showing,
} from './rotation-world.ts'

/** One request of a schedule: when it leaves after the one before it, and what becomes of it. */
export interface Send extends Request {
  readonly pause: number
  readonly how: Showing
}

/**
 * Requests of one jar: up to a flight long under way, twice at times, from changing networks, to
 * processes with different clocks; their answers in time or lost.
 */
export function sends(line: Line): fc.Arbitrary<readonly Send[]> {
  const { flight, window, rotation } = RULE[line]
  const edges = [window - 1, window, window + 1, window + 2_000, 2 * window, 2 * window + 2_001]
  const pause = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: flight }) },
    { weight: 3, arbitrary: fc.constantFrom(...edges) },
    { weight: 1, arbitrary: fc.integer({ min: rotation, max: rotation + window }) },
  )
  const quick = fc.integer({ min: 0, max: 500 })
  const up = fc.oneof(quick, fc.integer({ min: 0, max: flight }), fc.constant(flight))
  const down = fc.oneof(
    quick,
    fc.integer({ min: 0, max: LATEST_ANSWER_MS }),
    fc.constant(LATEST_ANSWER_MS),
  )
  const how = fc.record({
    sensitive: fc.boolean(),
    deliverable: often(true, false),
    place: often<Place>('home', 'homeBySix', 'mobile'),
    waitedMs: often(0, 1_000, flight),
    process: fc.constantFrom(0 as const, 1 as const),
  })
  const one = fc.record({ pause, up, again: sometimes(up, 5), down: sometimes(down, 4, true), how })
  return fc.array(one, { minLength: 3, maxLength: 24 })
}

/** Faults of the writes of a schedule, in their order. */
export const faults: fc.Arbitrary<readonly (WriteFault | undefined)[]> = fc.array(
  sometimes(fc.constantFrom<WriteFault>('lost_race', 'unheard', 'ambiguous', 'outage'), 2),
  { maxLength: 24 },
)

/** Sends a schedule from one jar, until nothing is under way. Returns what the jar holds then. */
export async function oneJar(
  world: Estate,
  schedule: readonly Send[],
  { between }: { readonly between?: (index: number) => void | Promise<void> } = {},
): Promise<string> {
  const jar = jarOf(world, await world.login())
  for (const [index, send] of schedule.entries()) {
    await world.run(world.now() + send.pause)
    await between?.(index)
    jar.send(send)
  }
  await world.run()
  return jar.held()
}

/** What the trace of a session says about one of its generations. */
export interface Generation {
  readonly number: number
  /** When it was first shown, and when what was shown then had been minted. */
  readonly shown: number
  readonly minted: number
  /** The rule's own beginning: the earlier of its first use and of the end of what may be late. */
  readonly began: number
}

/** The generations of a session that were served and succeeded another one, oldest first. */
export function generations({ shown, line }: Estate): readonly Generation[] {
  const mintedAt = new Map<string, number>()
  const found: Generation[] = []
  for (const { secret, received, how, answer } of shown) {
    if (answer.kind !== 'served') continue
    const number = generationOf(secret)
    const judged = received + (how.waitedMs ?? 0)
    const minted = mintedAt.get(secret)
    if (minted !== undefined && number > (found.at(-1)?.number ?? 0)) {
      const began = Math.min(judged, minted + RULE[line].window)
      found.push({ number, shown: judged, minted, began })
    }
    if (answer.sent !== undefined) mintedAt.set(answer.sent, judged)
  }
  return found
}

function often<T>(usual: T, ...rare: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...rare) },
  )
}

/** One time in so many it is there; or, with `usually`, it is missing. */
function sometimes<T>(
  arbitrary: fc.Arbitrary<T>,
  oneIn: number,
  usually = false,
): fc.Arbitrary<T | undefined> {
  const there = { weight: usually ? oneIn - 1 : 1, arbitrary }
  const missing = { weight: usually ? 1 : oneIn - 1, arbitrary: fc.constant(undefined) }
  return fc.oneof(there, missing)
}
