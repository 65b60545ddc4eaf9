import { describe, expect, test } from 'vitest'
import { HOUR, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import {
  type Answer,
  type Estate,
  estate,
  expectAllServed,
  isForked,
  jarOf,
  RULE,
  recordOf,
  secretsSent,
  sentBy,
} from '../support/rotation-world.ts'

const { rotation, window, flight } = RULE.session
const DUE = rotation + window + 1

/** A session whose first secret is due. */
async function due(): Promise<{ readonly world: Estate; readonly first: string }> {
  const world = await estate(inMemory)
  const first = await world.login()
  await wait(world, DUE)
  return { world, first }
}

function wait(world: Estate, ms: number): Promise<void> {
  return world.run(world.now() + ms)
}

describe('answers of one browser that arrive in any order', () => {
  test('a sibling that another one passed over goes on where the jar keeps it', async () => {
    const { world, first } = await due()
    const slow = sentBy(await world.show(first))
    const quick = sentBy(await world.show(first))
    await world.show(quick)

    for (let minute = 0; minute < 30; minute++) {
      await wait(world, MINUTE)
      if (minute === 0) await world.show(slow)
      else await world.show(secretsSent(world).at(-1) ?? slow)
    }

    expectAllServed(world)
  })

  test('the first use of a successor may have been on its way for a minute', async () => {
    const { world, first } = await due()
    const jar = jarOf(world, first)
    jar.send({ up: 10, down: 20 })
    await wait(world, SECOND)

    jar.send({ up: flight, down: 20 })
    await world.run()
    await wait(world, 10 * MINUTE)
    jar.send({ up: 10, down: 20 })
    await world.run()

    expectAllServed(world)
  })

  test('requests with the predecessor may come a minute after its successor', async () => {
    const { world, first } = await due()
    const jar = jarOf(world, first)
    jar.send({ up: flight, down: 20 })
    jar.send({ up: 10, down: 20, how: { sensitive: true } })
    await wait(world, SECOND)
    jar.send({ up: 10, down: 20 })
    await world.run()

    expectAllServed(world)
  })

  test.each(['homeBySix', 'mobile'] as const)(
    'a predecessor may arrive from a network that never used it: %s',
    async (place) => {
      const { world, first } = await due()
      const next = sentBy(await world.show(first))
      await world.show(next)
      await wait(world, 30 * SECOND)

      expect(await world.show(first, { place })).toEqual({ kind: 'served', sent: undefined })
      expectAllServed(world)
    },
  )

  test('a chain of sensitive calls goes on for as long as it likes', async () => {
    const { world, first } = await due()
    const jar = jarOf(world, first)

    for (let call = 0; call < 200; call++) {
      jar.send({ up: 10, down: call % 7 === 0 ? 4_000 : 20, how: { sensitive: true } })
      await wait(world, 3 * SECOND)
    }
    await world.run()

    expectAllServed(world)
    expect(secretsSent(world).length).toBeGreaterThan(5)
  })
})

describe('an answer that can carry no secret', () => {
  test('is sent none, and changes nothing once it is noted that the secret is due', async () => {
    const { world, first } = await due()
    const show = (): Promise<Answer> => world.show(first, { deliverable: false, sensitive: true })
    const answers = [await show()]
    const noted = await recordOf(world, first)

    for (let asked = 0; asked < 5; asked++) {
      await wait(world, 500)
      answers.push(await show())
    }

    expect(answers).toEqual(answers.map(() => ({ kind: 'served', sent: undefined })))
    expect(await recordOf(world, first)).toBe(noted)
  })

  test('displaces no successor that went out to somebody', async () => {
    const { world, first } = await due()
    const next = sentBy(await world.show(first))

    for (let asked = 0; asked < 10; asked++) {
      await wait(world, 15 * SECOND)
      await world.show(first, { deliverable: false, sensitive: true })
    }

    expect(await world.show(next)).toMatchObject({ kind: 'served' })
    expectAllServed(world)
  })

  test('makes no successor count before it is shown', async () => {
    const { world, first } = await due()
    sentBy(await world.show(first))
    await world.show(first, { deliverable: false })
    await wait(world, 3 * window)

    expect(sentBy(await world.show(first))).toEqual(expect.any(String))
  })

  test('ends no session, though every answer of a long poll is held back', async () => {
    const { world, first } = await due()
    const jar = jarOf(world, first)
    const poll = (): void => {
      if (world.now() < 4 * HOUR) jar.send({ up: 10, down: undefined, done: again })
    }
    const again = (): void => world.at(world.now() + 25 * SECOND, poll)

    poll()
    await world.run()

    expectAllServed(world)
    expect(jar.held()).toBe(first)
  })

  test('ends no session of a page that uses sockets alone', async () => {
    const { world, first } = await due()

    for (let opened = 0; opened < 240; opened++) {
      await world.show(first, { deliverable: false })
      await wait(world, MINUTE)
    }

    expectAllServed(world)
  })
})

describe('a browser that is killed', () => {
  test('goes on with the predecessor of a secret that was never shown', async () => {
    const { world, first } = await due()
    const jar = jarOf(world, first)
    jar.send({ up: 10, down: 20 })
    await wait(world, SECOND)

    jar.rollBack(first)
    for (let minute = 0; minute < 20; minute++) {
      jar.send({ up: 10, down: 20 })
      await wait(world, MINUTE)
    }

    expectAllServed(world)
    expect(jar.held()).not.toBe(first)
  })

  test('looks like a second holder once, where its secret had been shown', async () => {
    const { world, first } = await due()
    const jar = jarOf(world, first)
    jar.send({ up: 10, down: 20 })
    await wait(world, SECOND)
    jar.send({ up: 10, down: 20 })
    await wait(world, SECOND)

    jar.rollBack(first)
    jar.send({ up: 10, down: 20 })
    await wait(world, 2 * window)
    expectAllServed(world)
    const found = await world.show(first)

    expect(isForked(found)).toBe(true)
  })
})

test('a call from the page brings a socket page its secret, however long it had none', async () => {
  const { world, first } = await due()
  for (let opened = 0; opened < 60; opened++) {
    await world.show(first, { deliverable: false })
    await wait(world, MINUTE)
  }

  const next = sentBy(await world.show(first))

  expect(await world.show(next, { deliverable: false })).toMatchObject({ kind: 'served' })
})
