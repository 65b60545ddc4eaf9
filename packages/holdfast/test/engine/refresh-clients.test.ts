import { describe, expect, test } from 'vitest'
import { HOUR, inMemory, SECOND } from '../support/harness.ts'
import { seeded } from '../support/rotation-pages.ts'
import {
  type Answer,
  CLOCKS_APART_MS,
  type Estate,
  estate,
  expectAllServed,
  expectNoneSentTwice,
  isForked,
  sentBy,
} from '../support/rotation-world.ts'

/** Programs that keep a refresh token in a store, and use it every so often. */
interface Client {
  /** Threads or processes, and how long after each other they ask. */
  readonly askers: number
  readonly apartMs: number
  readonly everyMs: number
  /** Shares of answers, 0 to 1: the line drops it; the program dies before it has stored it. */
  readonly lost: number
  readonly dies: number
  /** Each asker keeps a token of its own, and never reads the store again. */
  readonly ownCopies: boolean
}

const ALONE: Client = {
  askers: 1,
  apartMs: 0,
  everyMs: 100 * SECOND,
  lost: 0,
  dies: 0,
  ownCopies: false,
}

async function runs(client: Client, seed: number): Promise<Estate> {
  const world = await estate(inMemory, { line: 'refresh', clocksApart: CLOCKS_APART_MS })
  const random = seeded(seed)
  const travel = (): number => 50 + Math.round(200 * random())
  let stored = await world.login()
  const kept = Array.from({ length: client.askers }, () => stored)
  const end = world.now() + 8 * HOUR

  function ask(asker: number): void {
    const token = client.ownCopies ? (kept[asker] ?? stored) : stored
    world.at(world.now() + travel(), async () => {
      const answer = await world.show(token, { process: random() < 0.5 ? 0 : 1 })
      if (random() < client.lost) return world.at(world.now() + SECOND, () => ask(asker))
      world.at(world.now() + travel(), () => store(asker, answer))
    })
  }

  function store(asker: number, answer: Answer): void {
    if (answer.kind !== 'served' || answer.sent === undefined) return
    if (random() < client.dies) return
    stored = answer.sent
    kept[asker] = answer.sent
  }

  for (let at = world.now() + client.everyMs; at < end; at += client.everyMs) {
    for (let asker = 0; asker < client.askers; asker++) {
      world.at(at + asker * client.apartMs, () => ask(asker))
    }
  }
  await world.run()
  return world
}

describe('a client that refreshes for eight hours is never refused', () => {
  test.each<readonly [string, Partial<Client>]>([
    ['one at a time', {}],
    ['every 30 s, sooner than tokens rotate', { everyMs: 30 * SECOND }],
    ['a fifth of the answers is lost, and it tries again at once', { lost: 0.2 }],
    ['it dies between answer and storage, one time in ten', { dies: 0.1 }],
    ['it dies often, on a poor line', { dies: 0.3, lost: 0.2 }],
    ['three threads at once, the last answer is stored', { askers: 3, apartMs: 300 }],
    ['two processes with one store, read before each use', { askers: 2, apartMs: 5 * SECOND }],
  ])('%s', async (_title, changes) => {
    const world = await runs({ ...ALONE, ...changes }, 7)

    expectAllServed(world)
    expectNoneSentTwice(world)
  })
})

test('two processes that keep copies of their own are two holders', async () => {
  const world = await runs({ ...ALONE, askers: 2, apartMs: 30 * SECOND, ownCopies: true }, 7)

  expect(world.shown.map(({ answer }) => answer).some(isForked)).toBe(true)
})

describe('an answer to a refresh token', () => {
  test('says that it was rotated, and that an earlier use keeps it', async () => {
    const world = await estate(inMemory, { line: 'refresh' })
    const first = await world.login()
    await world.run(world.now() + 60 * SECOND)

    const rotated = await world.show(first)
    const next = sentBy(rotated)
    await world.run(world.now() + 5 * SECOND)
    const kept = await world.show(next)
    await world.run(world.now() + SECOND)
    const late = await world.show(first)

    expect(rotated).toMatchObject({ status: 'rotated' })
    expect(kept).toEqual({ kind: 'served', status: 'kept', sent: undefined })
    expect(late).toEqual({ kind: 'served', status: 'in_flight', sent: undefined })
  })

  test('brings no second successor within forty seconds of the first use of one', async () => {
    const world = await estate(inMemory, { line: 'refresh' })
    let token = await world.login()
    await world.run(world.now() + 60 * SECOND)
    token = sentBy(await world.show(token))

    const statuses: (string | undefined)[] = []
    for (let second = 0; second < 40; second += 8) {
      const answer = await world.show(token)
      if (answer.kind === 'served') statuses.push(answer.status)
      await world.run(world.now() + 8 * SECOND)
    }
    await world.run(world.now() + SECOND)

    expect(statuses).toEqual(['kept', 'kept', 'kept', 'kept', 'kept'])
    expect(await world.show(token)).toMatchObject({ status: 'rotated' })
  })
})
