import { describe, expect, test } from 'vitest'
import { codeOf, type Harness, harness, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

describe('a request whose body takes longer than a rotation', () => {
  test('is judged by when it was received: its secret was live then', async () => {
    const h = await harness(inMemory)
    const old = await rotatedAway(h)

    h.host.advance(65 * SECOND)
    const upload = await h.show(old, atHome(), { waitedMs: 76 * SECOND })

    expect(codeOf(upload)).toBe('ok')
  })

  test('is a second holder when it was received a minute after the new secret', async () => {
    const h = await harness(inMemory)
    const old = await rotatedAway(h)

    h.host.advance(65 * SECOND)

    expect(codeOf(await h.show(old, atHome(), { waitedMs: 1 * SECOND }))).toBe('step_up_required')
  })

  test('gains five minutes at most, however slowly it comes', async () => {
    const h = await harness(inMemory)
    const old = await rotatedAway(h)

    h.host.advance(7 * MINUTE)

    expect(codeOf(await h.show(old, atHome(), { waitedMs: 8 * MINUTE }))).toBe('step_up_required')
  })

  test.each([-1, 0.5, Number.NaN])('that waited %d ms is bad input', async (waitedMs) => {
    const h = await harness(inMemory)
    const token = await h.login()

    await expect(h.show(token, atHome(), { waitedMs })).rejects.toMatchObject({
      code: 'invalid_input',
    })
  })
})

/** The secret of a login, after its successor was sent and shown. */
async function rotatedAway({ host, login, show }: Harness): Promise<string> {
  const old = await login()
  host.advance(5 * MINUTE + 5 * SECOND)
  const rotated = await show(old)
  if (!rotated.ok || rotated.token === undefined) throw new Error('nothing was rotated')
  host.advance(1 * SECOND)
  expect(codeOf(await show(rotated.token))).toBe('ok')
  return old
}
