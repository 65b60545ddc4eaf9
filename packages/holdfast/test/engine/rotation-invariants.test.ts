import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describeOnEveryStore } from '../support/every-store.ts'
import { faultyWrites, undoableWrites } from '../support/faulty-store.ts'
import { inMemory } from '../support/harness.ts'
import { lookup } from '../support/people.ts'
import { faults, generations, oneJar, sends } from '../support/rotation-schedules.ts'
import {
  type Answer,
  CLOCKS_APART_MS,
  type Estate,
  estate,
  expectAllServed,
  expectNoneSentTwice,
  generationOf,
  isForked,
  jarOf,
  type Line,
  RULE,
  recordOf,
  secretsSent,
  sentBy,
} from '../support/rotation-world.ts'

const LINES = ['session', 'refresh'] as const

describeOnEveryStore('rotation', (open) => {
  const runs = (inMemoryRuns: number): { readonly seed: number; readonly numRuns: number } => ({
    seed: 41,
    numRuns: open === inMemory ? inMemoryRuns : Math.ceil(inMemoryRuns / 12),
  })

  describe.each(LINES)('of %s secrets', (line) => {
    test('one jar is never forked and never refused', async () => {
      const world = await estate(open, { line, clocksApart: CLOCKS_APART_MS })

      await fc.assert(
        fc.asyncProperty(sends(line), async (schedule) => {
          await oneJar(world, schedule)

          expectAllServed(world)
        }),
        runs(240),
      )
    })

    test('no secret is in two answers, under lost races and ambiguous writes', async () => {
      const faulty = faultyWrites()
      const through = faulty.through
      const world = await estate(open, { line, clocksApart: CLOCKS_APART_MS, through })

      await fc.assert(
        fc.asyncProperty(sends(line), faults, async (schedule, planned) => {
          await oneJar(world, schedule, { between: (at) => faulty.plan(planned.slice(at, at + 2)) })
          faulty.plan([])

          expectNoneSentTwice(world)
          expectAllServed(world, { faults: true })
        }),
        runs(120),
      )
    })

    test('one secret shown many times at once brings each answer its own', async () => {
      const world = await estate(open, { line })
      const first = await world.login()
      await world.run(world.now() + RULE[line].rotation + RULE[line].window + 1)

      const answers = await Promise.all(Array.from({ length: 20 }, () => world.show(first)))

      expect(new Set(answers.map(sentBy)).size).toBe(20)
    })

    test('a due secret that is received after its window brings a successor', async () => {
      const world = await estate(open, { line, clocksApart: CLOCKS_APART_MS })

      await fc.assert(
        fc.asyncProperty(sends(line), async (schedule) => {
          await oneJar(world, schedule)

          expect(dueAndUnanswered(world)).toEqual([])
        }),
        runs(120),
      )
    })

    test('generations begin a flight apart, and one predecessor at most is alive', async () => {
      const world = await estate(open, { line, clocksApart: CLOCKS_APART_MS })

      await fc.assert(
        fc.asyncProperty(sends(line), async (schedule) => {
          const alive: (readonly string[])[] = []
          await oneJar(world, schedule, {
            async between(index) {
              if (index % 5 === 4) alive.push(await predecessorsAlive(world))
            },
          })
          alive.push(await predecessorsAlive(world))

          const begun = generations(world).map(({ began }) => began)
          const gaps = begun.slice(1).map((at, index) => at - (begun[index] ?? 0))
          expect(gaps.filter((gap) => gap < RULE[line].inFlight)).toEqual([])
          expect(alive.filter(({ length }) => length > 1)).toEqual([])
        }),
        runs(60),
      )
    })

    test('after settling, exactly one member of a generation is served', async () => {
      const world = await estate(open, { line })

      await fc.assert(
        fc.asyncProperty(generationOfMany(), async (plan) => {
          const { siblings } = await manySiblings(world, line, plan)
          // Whichever of them is shown first, others may come while they are under way.
          for (const index of plan.shown) await world.show(siblings[index % siblings.length] ?? '')
          await world.run(world.now() + RULE[line].window + 12_000)
          const one = siblings[(plan.shown.at(-1) ?? 0) % siblings.length] ?? ''

          await world.show(one, { sensitive: true })

          const served = await Promise.all(siblings.map((secret) => world.wouldServe(secret)))
          expect(served.filter(Boolean)).toHaveLength(1)
        }),
        runs(60),
      )
    })

    test('predecessors, and siblings of what counts, get and change nothing', async () => {
      const world = await estate(open, { line })

      await fc.assert(
        fc.asyncProperty(generationOfMany(), fc.boolean(), async (plan, deliverable) => {
          const { first, siblings } = await manySiblings(world, line, plan)
          const [counts = '', ...others] = siblings
          await world.show(counts)
          // Sensitive calls are listed in the record, whichever secret they come with.
          const answers = [await world.show(first, { sensitive: true, deliverable })]
          const before = await recordOf(world, counts)

          for (const secret of [first, ...others, first]) {
            answers.push(await world.show(secret, { deliverable }))
            await world.run(world.now() + plan.pause)
          }

          expect(answers.filter((answer) => answer.kind !== 'served')).toEqual([])
          expect(answers.filter((answer) => 'sent' in answer && answer.sent !== undefined)).toEqual(
            [],
          )
          expect(await recordOf(world, counts)).toBe(before)
        }),
        runs(60),
      )
    })

    test.each([
      ['every request is received twice', 'twice'],
      ['the requests are received in another order', 'reversed'],
      ['half of the answers can carry no secret', 'undeliverable'],
    ] as const)('one jar is served as before when %s', async (_title, disturbed) => {
      const world = await estate(open, { line, clocksApart: CLOCKS_APART_MS })
      const { flight } = RULE[line]

      await fc.assert(
        fc.asyncProperty(sends(line), async (schedule) => {
          await oneJar(
            world,
            schedule.map((send, index) => {
              if (disturbed === 'twice') return { ...send, again: flight - (send.again ?? 0) }
              if (disturbed === 'reversed') return { ...send, up: flight - send.up }
              const deliverable = index % 2 === 0
              return { ...send, how: { ...send.how, deliverable } }
            }),
          )

          expectAllServed(world)
        }),
        runs(60),
      )
    })

    test('a refused presentation mints nothing, and the secret that counts stays', async () => {
      const world = await estate(open, { line, options: { lookup } })
      const { rotation, window } = RULE[line]
      const first = await world.login()
      await world.run(world.now() + rotation + window + 1)
      const next = sentBy(await world.show(first))

      for (const secret of [next, first, next]) {
        const refused = await world.show(secret, { place: 'abroad' })
        expect(refused.kind).toBe('refused')
        await world.run(world.now() + 1_000)
      }

      // Had the next secret become the one that counts, its predecessor would get nothing.
      expect(sentBy(await world.show(first))).not.toBe(next)
      expect(secretsSent(world)).toHaveLength(2)
    })

    test('both holders are refused after a fork, and neither is sent a secret', async () => {
      const world = await estate(open, { line })
      const first = await world.login()
      const { rotation, window } = RULE[line]
      await world.run(world.now() + rotation + window + 1)
      const owner = sentBy(await world.show(first))
      await world.run(world.now() + 1_000)
      const copy = sentBy(await world.show(first))
      await world.show(owner)
      await world.run(world.now() + window + rotation + 12_001)
      const newer = sentBy(await world.show(owner, { sensitive: true }))
      await world.run(world.now() + 1_000)

      const found = await world.show(copy, { sensitive: true })
      const sent = secretsSent(world).length
      const after = [
        await world.show(newer, { sensitive: true }),
        await world.show(owner, { sensitive: true }),
        await world.show(copy, { sensitive: true }),
      ]

      expect(isForked(found)).toBe(true)
      expect(after.map(({ kind }) => kind)).toEqual(['refused', 'refused', 'refused'])
      expect(secretsSent(world)).toHaveLength(sent)
    })

    test('two holders that both go on are found out, whatever the second one chooses', async () => {
      const world = await estate(open, { line, clocksApart: CLOCKS_APART_MS })

      await fc.assert(
        fc.asyncProperty(twoHolders(), async (plan) => {
          const { ridden, longest } = await ride(world, line, plan)

          expect(ridden).toBeLessThanOrEqual(longest)
        }),
        runs(36),
      )
    })
  })
})

describe.each(LINES)('rotation of %s secrets: memory', (line) => {
  test('one acknowledged write undone within a second forks and refuses nobody', async () => {
    let undone = 0
    let fate: { readonly write: number; readonly after: number } | undefined
    const undoable = undoableWrites((id, version) => {
      if (fate === undefined || version < fate.write) return
      const { after } = fate
      fate = undefined
      world.at(world.now() + after, () => {
        if (!undoable.undo(id)) return
        undone++
        // What a process noted of the lost write is another rule's.
        world.restart()
      })
    })
    const { through } = undoable
    const world = await estate(inMemory, { line, clocksApart: CLOCKS_APART_MS, through })
    const fates = fc.record({
      write: fc.integer({ min: 2, max: 8 }),
      after: fc.integer({ min: 0, max: 1_000 }),
    })

    await fc.assert(
      fc.asyncProperty(sends(line), fates, async (schedule, planned) => {
        fate = planned
        await oneJar(world, schedule)

        expectAllServed(world)
      }),
      { seed: 41, numRuns: 240 },
    )
    expect(undone).toBeGreaterThan(100)
  })
})

/** Due presentations of the newest generation, received after its window, that got no secret. */
function dueAndUnanswered(world: Estate): readonly unknown[] {
  const { window, rotation } = RULE[world.line]
  const began = new Map(generations(world).map((one) => [one.number, one]))
  const minted = new Map<string, number>()
  const login = world.shown[0]?.received ?? 0
  let newest = 0
  const missing: unknown[] = []
  for (const [index, { secret, received, how, answer }] of world.shown.entries()) {
    if (answer.kind !== 'served') continue
    const number = generationOf(secret)
    newest = Math.max(newest, number)
    if (answer.sent !== undefined) minted.set(answer.sent, received + (how.waitedMs ?? 0))
    if (number < newest || how.deliverable === false) continue
    const generation = began.get(number) ?? { shown: login, began: login }
    const age = received - (minted.get(secret) ?? login)
    const due = world.line === 'refresh' || how.sensitive === true || age >= rotation
    // Siblings may be minted until ten seconds after the first use, by a clock that is ahead.
    const late = generation.shown + window + 10_000 + CLOCKS_APART_MS
    const first = received === generation.shown && received > generation.began + window
    if (due && (received > late || first) && answer.sent === undefined) {
      missing.push({ index, number, generation, received, how })
    }
  }
  return missing
}

/** Secrets older than the newest generation that was shown, and served still. */
async function predecessorsAlive(world: Estate): Promise<readonly string[]> {
  const served = world.shown.filter(({ answer: { kind } }) => kind === 'served')
  const newest = Math.max(0, ...served.map(({ secret }) => generationOf(secret)))
  const all = new Set([...served.map(({ secret }) => secret), ...secretsSent(world)])
  const alive: string[] = []
  for (const secret of all) {
    if (generationOf(secret) < newest && (await world.wouldServe(secret))) alive.push(secret)
  }
  return alive
}

interface SiblingPlan {
  /** When each sibling is minted, ms after the first one; the order in which they are shown. */
  readonly minted: readonly number[]
  readonly shown: readonly number[]
  readonly pause: number
}

function generationOfMany(): fc.Arbitrary<SiblingPlan> {
  return fc.record({
    minted: fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 2, maxLength: 5 }),
    shown: fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }),
    pause: fc.integer({ min: 0, max: 2_000 }),
  })
}

/** Secrets that succeed the same one, each from an answer of its own. */
async function manySiblings(
  world: Estate,
  line: Line,
  { minted }: SiblingPlan,
): Promise<{ readonly first: string; readonly siblings: readonly string[] }> {
  const first = await world.login()
  await world.run(world.now() + RULE[line].rotation + RULE[line].window + 1)
  const siblings: string[] = []
  for (const after of minted) {
    await world.run(world.now() + after)
    siblings.push(sentBy(await world.show(first)))
  }
  return { first, siblings }
}

interface TwoHolders {
  readonly ownerEveryMs: number
  readonly thiefEveryMs: number
  readonly copiedAfterMs: number
  readonly ownerSensitive: readonly boolean[]
  readonly turns: readonly {
    readonly pick: number
    readonly sensitive: boolean
    readonly keeps: boolean
    readonly offset: number
  }[]
}

function twoHolders(): fc.Arbitrary<TwoHolders> {
  const every = fc.constantFrom(1_000, 5_000, 10_000, 15_000, 30_000, 60_000)
  const turn = fc.record({
    pick: fc.nat(7),
    sensitive: fc.boolean(),
    keeps: fc.boolean(),
    offset: fc.integer({ min: 0, max: 999 }),
  })
  return fc.record({
    ownerEveryMs: every,
    thiefEveryMs: every,
    copiedAfterMs: fc.integer({ min: 0, max: 600_000 }),
    ownerSensitive: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
    turns: fc.array(turn, { minLength: 1, maxLength: 12 }),
  })
}

/**
 * The owner goes on in one jar; the second holder knows at each turn what would be served, and
 * shows one of that. `ridden`: from the copy to the fork, or to the last time that it was served.
 */
async function ride(
  world: Estate,
  line: Line,
  { ownerEveryMs, thiefEveryMs, copiedAfterMs, ownerSensitive, turns }: TwoHolders,
): Promise<{ readonly ridden: number; readonly longest: number }> {
  const { rotation, window } = RULE[line]
  const slowest = Math.max(ownerEveryMs, thiefEveryMs)
  const longest = rotation + window + 3 * slowest + CLOCKS_APART_MS
  const jar = jarOf(world, await world.login())
  const started = world.now()
  const copiedAt = started + copiedAfterMs
  const end = copiedAt + longest + 60_000
  let forked: number | undefined
  let served = copiedAt
  let loot: string[] = []

  const owner = (turn: number): void => {
    if (forked !== undefined || world.now() > end) return
    const sensitive = line === 'session' && ownerSensitive[turn % ownerSensitive.length] === true
    const done = (answer: Answer): void => {
      if (answer.kind === 'refused') forked ??= world.now()
    }
    jar.send({ up: 20, down: 20, how: { sensitive, process: turn % 2 === 0 ? 0 : 1 }, done })
    world.at(world.now() + ownerEveryMs, () => owner(turn + 1))
  }
  const thief = async (turn: number): Promise<void> => {
    if (forked !== undefined || world.now() > end) return
    const {
      pick = 0,
      sensitive = false,
      keeps = true,
      offset = 0,
    } = turns[turn % turns.length] ?? {}
    const good: string[] = []
    for (const secret of loot) if (await world.wouldServe(secret)) good.push(secret)
    loot = good
    const secret = loot[pick % Math.max(1, loot.length)]
    if (secret === undefined) return
    const answer = await world.show(secret, { sensitive: line === 'session' && sensitive })
    if (answer.kind === 'refused') forked ??= world.now()
    else served = world.now()
    if (answer.kind === 'served' && answer.sent !== undefined && keeps) {
      loot = [...loot, answer.sent].slice(-4)
    }
    world.at(world.now() + Math.max(1, thiefEveryMs - offset), () => thief(turn + 1))
  }

  world.at(started + 1_000, () => owner(0))
  world.at(copiedAt, () => {
    loot = [jar.held()]
    return thief(0)
  })
  await world.run(end)
  await world.run()
  return { ridden: (forked ?? served) - copiedAt, longest }
}
