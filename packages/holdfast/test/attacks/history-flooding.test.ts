import { expect, test } from 'vitest'
import { codeOf, HOUR, harness, inMemory, SECOND } from '../support/harness.ts'
import { abroad, atHome, lookup } from '../support/people.ts'

const ONE_PROVIDER = lookup('192.0.2.10')

test('forty quiet places do not wash the owner’s home out of the subject’s past', async () => {
  const h = await harness(inMemory, {
    lookup: (address) => (address.startsWith('198.') ? ONE_PROVIDER : lookup(address)),
  })
  const token = await h.login()
  for (let i = 0; i < 40; i++) {
    h.host.advance(SECOND)
    expect(codeOf(await h.show(token, atHome({ ip: `198.18.${i}.7` })))).toBe('ok')
  }

  const stranger = await h.sessions.create({
    subject: 'ada',
    request: abroad(),
    amr: ['pwd'],
    factors: ['otp'],
  })

  expect(stranger).toMatchObject({ ok: true, decision: { outcome: 'challenge' } })
})

test('failed logins of made-up names are forgotten in an hour, a real past is not', async () => {
  const h = await harness(inMemory)
  await h.login()
  const known = await h.sessions.list({ subject: 'ada' })
  const keyOf = async (subject: string): Promise<string> => {
    await h.sessions.report({ kind: 'login_failed', subject })
    return h.events.at(-1)?.subject ?? ''
  }
  const [nobody, ada] = [await keyOf('nobody-1'), await keyOf('ada')]
  expect((await h.store.subjects.read(nobody)).sealed).toBeDefined()

  h.host.advance(2 * HOUR)

  expect(known.items).toHaveLength(1)
  expect((await h.store.subjects.read(nobody)).sealed).toBeUndefined()
  expect((await h.store.subjects.read(ada)).sealed).toBeDefined()
})
