import { expect, test } from 'vitest'
import { codeOf, harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { onTheTrain } from '../support/people.ts'

test.each([
  ['moments later', SECOND],
  ['after the lost response was given up', 20 * SECOND],
])(
  'a request that left the train before its secret was replaced is no second holder: the network ' +
    'changed %s',
  async (_title, pause) => {
    const h = await harness(inMemory)
    const token = await h.login()
    h.host.advance(6 * MINUTE)
    await h.show(token)
    h.host.advance(pause)

    const successor = held(token, await h.show(token, onTheTrain()))
    await h.show(successor, onTheTrain())
    h.host.advance(SECOND)

    expect(successor).not.toBe(token)
    expect(codeOf(await h.show(token, onTheTrain()))).toBe('ok')
    expect(h.events.filter(({ type }) => type === 'token-reused')).toEqual([])
  },
)
