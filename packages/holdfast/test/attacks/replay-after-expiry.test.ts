import { expect, test } from 'vitest'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, HOUR, harness, held, MINUTE, SECOND } from '../support/harness.ts'

describeOnEveryStore('replay after expiry', (open) => {
  test('a second before the idle timeout the session lives, at it it is over', async () => {
    const { host, login, show } = await harness(open)
    const token = await login()

    host.advance(2 * HOUR - SECOND)
    expect(codeOf(await show(token, undefined, { deliverable: false }))).toBe('ok')
    host.advance(2 * HOUR)
    expect(codeOf(await show(token, undefined, { deliverable: false }))).toBe('session_expired')
    expect(codeOf(await show(token))).toBe('session_expired')
  })

  test('no activity moves the absolute deadline', async () => {
    const { host, login, show } = await harness(open)
    let token = await login()

    for (let i = 0; i < 24 * 60 - 15; i += 15) {
      host.advance(15 * MINUTE)
      token = held(token, await show(token))
    }
    host.advance(15 * MINUTE - SECOND)
    token = held(token, await show(token))
    host.advance(SECOND)
    expect(codeOf(await show(token))).toBe('session_expired')
  })

  test('what a client could edit changes nothing: the lifetimes are the record’s', async () => {
    const classes = { brief: { absolute: 10 * MINUTE, idle: 5 * MINUTE, persistent: false } }
    const { host, login, show } = await harness(open, { classes })
    const token = await login({ class: 'brief' })

    host.advance(5 * MINUTE)
    expect(codeOf(await show(token))).toBe('session_expired')
  })
})
