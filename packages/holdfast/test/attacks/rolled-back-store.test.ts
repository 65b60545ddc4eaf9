import { expect, test } from 'vitest'
import { undoableWrites } from '../support/faulty-store.ts'
import { codeOf, harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, onTheTrain } from '../support/people.ts'
import { estate, isForked, type Line, RULE, sentBy, sessionOf } from '../support/rotation-world.ts'

const LINES: readonly Line[] = ['session', 'refresh']

test.each(LINES)(
  'a secret from ahead of the store challenges both holders, and leaves an event: %s',
  async (line) => {
    const undoable = undoableWrites()
    const world = await estate(inMemory, { line, through: undoable.through })
    const first = await world.login()
    let token = first
    for (let turn = 0; turn < 4; turn++) {
      await world.run(world.now() + RULE[line].rotation + RULE[line].window + 1)
      token = sentBy(await world.show(token))
    }
    await world.show(token)
    const id = sessionOf(first)
    for (let writes = 9; writes > 0 && !undoable.undo(id, writes); ) writes--
    world.restart()

    const owner = await world.show(token)
    const thief = await world.show(first)

    expect(isForked(owner)).toBe(true)
    expect(isForked(thief)).toBe(true)
    const told = world.events.filter(({ type, reason }) =>
      [type as string, reason].includes('store_rolled_back'),
    )
    expect(told).toHaveLength(1)
  },
)

test('who shows a predecessor from a new context is weighed, and noted', async () => {
  const h = await harness(inMemory)
  const first = await h.login()
  h.host.advance(6 * MINUTE)
  const next = held(first, await h.show(first))
  await h.show(next)
  h.host.advance(5 * SECOND)

  const train = await h.show(first, onTheTrain())
  h.host.advance(5 * SECOND)
  const stranger = await h.show(first, abroad())

  expect(train).toMatchObject({ ok: true })
  expect(train.ok && train.token).toBe(undefined)
  expect(codeOf(stranger)).toBe('step_up_required')
  const contexts = (await h.sessions.show(sessionOf(first)))?.contexts.map(({ state }) => state)
  expect(contexts).toEqual(['confirmed', 'provisional', 'challenged'])
})

test('who shows a due secret from a new context is noted, though it counts still', async () => {
  const h = await harness(inMemory)
  const first = await h.login()
  h.host.advance(6 * MINUTE)
  await h.show(first)
  h.host.advance(30 * SECOND)

  expect(codeOf(await h.show(first, onTheTrain()))).toBe('ok')

  expect((await h.sessions.show(sessionOf(first)))?.contexts).toHaveLength(2)
})
