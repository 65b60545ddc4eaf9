import { expect, test } from 'vitest'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, harness } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

describeOnEveryStore('session fixation', (open) => {
  test('the token that a client came with is dead after the login', async () => {
    const { sessions, login, show } = await harness(open)
    const planted = await login({ subject: 'mallory' })

    const created = await sessions.create({ subject: 'ada', request: atHome(), previous: planted })

    expect(created.ok && created.session.id).not.toBe(planted.split('.')[1])
    expect(codeOf(await show(planted))).toBe('session_unknown')
    expect(codeOf(await show(created.ok ? created.token : ''))).toBe('ok')
  })

  test('an id that nobody was given is never adopted', async () => {
    const { sessions, login, show } = await harness(open)
    const own = await login()
    const foreign = `hf1.${'A'.repeat(43)}.${own.split('.')[2]}`

    expect(codeOf(await show(foreign))).toBe('token_malformed')
    const created = await sessions.create({ subject: 'ada', request: atHome(), previous: foreign })
    expect(created.ok && created.session.id).not.toBe('A'.repeat(43))
    expect(codeOf(await show(own))).toBe('ok')
  })

  test('a login gives a new id and a new secret every time', async () => {
    const { login } = await harness(open)
    const tokens = [await login(), await login(), await login()]

    expect(new Set(tokens.map((token) => token.split('.')[1])).size).toBe(3)
    expect(new Set(tokens.map((token) => token.split('.')[2])).size).toBe(3)
  })
})
