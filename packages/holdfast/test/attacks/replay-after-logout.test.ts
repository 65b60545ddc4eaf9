import { expect, test } from 'vitest'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, harness, held, MINUTE } from '../support/harness.ts'

describeOnEveryStore('replay after logout', (open) => {
  test('every generation that was ever sent is refused, by cookie and by bearer', async () => {
    const { sessions, host, login, show } = await harness(open)
    const tokens = [await login()]
    for (let i = 0; i < 3; i++) {
      host.advance(6 * MINUTE)
      const token = tokens.at(-1) ?? ''
      tokens.push(held(token, await show(token)))
    }
    expect(new Set(tokens).size).toBe(4)

    await sessions.logout(tokens.at(-1) ?? '')

    for (const token of tokens) {
      expect(codeOf(await show(token))).toBe('session_unknown')
      expect(codeOf(await show(token, undefined, { deliverable: false }))).toBe('session_unknown')
    }
  })

  test('an older generation of the live family ends the session too', async () => {
    const { sessions, host, login, show } = await harness(open)
    const first = await login()
    host.advance(6 * MINUTE)
    const second = held(first, await show(first))
    await show(second)

    await sessions.logout(first)

    expect(codeOf(await show(second))).toBe('session_unknown')
  })

  test('logout is idempotent, and says nothing about tokens that are not ours', async () => {
    const { sessions, login, show } = await harness(open)
    const token = await login()
    const bystander = await login({ subject: 'linus' })

    await sessions.logout(token)
    await sessions.logout(token)
    await sessions.logout('hf1.nonsense')

    expect(codeOf(await show(token))).toBe('session_unknown')
    expect(codeOf(await show(bystander))).toBe('ok')
  })
})
