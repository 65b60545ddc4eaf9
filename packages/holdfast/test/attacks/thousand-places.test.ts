import { expect, test } from 'vitest'
import { codeOf, harness, held, inMemory, MINUTE, SECOND } from '../support/harness.ts'
import { abroad, atHome, lookup } from '../support/people.ts'

/** Every documentation prefix is a consumer line of a provider of its own. */
const crowd = {
  lookup: (address: string) => {
    const line = /^2001:db8:([\da-f]+):/.exec(address)?.[1]
    if (line === undefined) return lookup(address)
    return { asn: 70_000 + Number.parseInt(line, 16), kind: 'fixed' as const, country: 'NO' }
  },
}

test('a thousand places leave the record small and the owner undisturbed', async () => {
  const h = await harness(inMemory, crowd)
  let token = await h.login()
  const id = token.split('.')[1] ?? ''
  const sizes: number[] = []

  for (let i = 0; i < 1_000; i++) {
    h.host.advance(SECOND)
    const ip = `2001:db8:${(i + 1).toString(16)}::7`
    // by turns a copy of the owner's browser and a stranger's
    await h.show(token, i % 2 === 0 ? atHome({ ip }) : abroad({ ip }), { deliverable: false })
    if (i % 10 !== 0) continue
    const owner = await h.show(token)
    expect(codeOf(owner)).toBe('ok')
    token = held(token, owner)
    sizes.push((await h.store.entries.read(id))?.sealed.length ?? 0)
  }

  // bytes, sealed: sixteen contexts with their reasons, and eight returns
  expect(Math.max(...sizes)).toBeLessThan(2_000)
  const [session] = (await h.sessions.list({ subject: 'ada' })).items
  expect(session?.contexts.length).toBeLessThanOrEqual(16)
  expect(session?.contexts.find(({ network }) => network.prefix === '192.0.2.0/24')?.state).toBe(
    'confirmed',
  )
  h.host.advance(5 * MINUTE)
  expect(codeOf(await h.show(token, atHome(), { sensitivity: 'sensitive' }))).toBe('ok')
})
