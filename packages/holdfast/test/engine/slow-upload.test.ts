import { describe, expect, test } from 'vitest'
import {
  codeOf,
  type Harness,
  harness,
  held,
  inMemory,
  MINUTE,
  SECOND,
} from '../support/harness.ts'
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

  test('is refused and proves nothing when two generations went by meanwhile', async () => {
    const h = await harness(inMemory)
    const old = await h.login()
    let token = old
    for (let turn = 0; turn < 2; turn++) {
      h.host.advance(90 * SECOND)
      const sensitive = { sensitivity: 'sensitive' } as const
      token = held(token, await h.show(token, atHome(), sensitive))
      await h.show(token)
    }
    h.host.advance(SECOND)

    const upload = await h.show(old, atHome(), { waitedMs: 100 * SECOND })
    const after = await h.show(token)

    expect(codeOf(upload)).toBe('token_superseded')
    expect(after).toMatchObject({ ok: true, decision: { outcome: 'allow' } })
  })

  test('may show a successor first, while its predecessor is sent another one', async () => {
    const h = await harness(inMemory)
    const first = await h.login()
    h.host.advance(6 * MINUTE)
    const uploading = held(first, await h.show(first))
    h.host.advance(15 * SECOND)
    const sibling = held(first, await h.show(first))
    h.host.advance(SECOND)

    const upload = await h.show(uploading, atHome(), { waitedMs: 15 * SECOND })
    h.host.advance(2 * MINUTE)

    expect(codeOf(upload)).toBe('ok')
    expect(codeOf(await h.show(sibling))).toBe('ok')
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
