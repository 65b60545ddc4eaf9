import { expect, test } from 'vitest'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, type Harness, HOUR, harness, MINUTE, SECOND } from '../support/harness.ts'
import { atHome, lookup } from '../support/people.ts'

const DAY = 24 * HOUR

/** Sessions that are over when their hour is. */
const classes = { brief: { absolute: HOUR, idle: HOUR, persistent: false } }

function kinds({ events }: Harness): string[] {
  return events.map(({ type }) => type).filter((type) => type !== 'session-presented')
}

describeOnEveryStore('sessions that have run out', (open) => {
  test('a tab of yesterday is told that its session has expired', async () => {
    const h = await harness(open)
    const token = await h.login()
    await h.show(token)
    h.events.length = 0

    h.host.advance(DAY + 20 * HOUR)

    expect(codeOf(await h.show(token))).toBe('session_expired')
    expect(kinds(h)).toEqual(['session-expired'])
    expect(h.events).toMatchObject([
      { reason: 'absolute_timeout', actor: 'engine', device: { family: 'chrome' } },
    ])
  })

  test.each([
    ['absolute_timeout', { class: 'brief' }, HOUR],
    ['idle_timeout', {}, 2 * HOUR],
  ])(
    'the %s is logged once, and told to each tab and each process',
    async (reason, login, after) => {
      const h = await harness(open, { classes })
      const { token, refreshToken } = await h.loginForRefresh(login)
      const { store, host, keyring, events } = h
      const elsewhere = createSessions({
        store,
        host,
        keyring,
        lookup,
        classes,
        onEvent: (event) => events.push(event),
      })
      events.length = 0
      host.advance(after)

      const tabs = await Promise.all([h.show(token), h.show(token), h.renew(refreshToken)])
      host.advance(HOUR + MINUTE)
      const later = [
        await h.show(token),
        await h.renew(refreshToken),
        await elsewhere.verify({ token, request: atHome() }),
      ]

      expect([...tabs, ...later].map(codeOf)).toEqual(Array(6).fill('session_expired'))
      expect(events).toMatchObject([{ type: 'session-expired', reason }])
    },
  )

  test('after a day nothing is known of it', async () => {
    const h = await harness(open, { classes })
    const token = await h.login({ class: 'brief' })

    h.host.advance(HOUR + DAY - SECOND)
    expect(codeOf(await h.show(token))).toBe('session_expired')
    h.host.advance(DAY)
    expect(codeOf(await h.show(token))).toBe('session_unknown')
  })

  test('what was revoked before it could expire is not told as expired', async () => {
    const h = await harness(open, { classes })
    const [ended, everywhere] = [
      await h.login({ class: 'brief' }),
      await h.login({ subject: 'bob' }),
    ]
    await h.sessions.logout(ended)
    await h.sessions.revokeSubject({ subject: 'bob' }, { reason: 'test' })
    h.events.length = 0

    h.host.advance(HOUR)

    expect(codeOf(await h.show(ended))).toBe('session_unknown')
    expect(codeOf(await h.show(everywhere))).toBe('session_unknown')
    expect(kinds(h)).not.toContain('session-expired')
  })

  test('it is in no list, has no details, and its attributes cannot be changed', async () => {
    const h = await harness(open, { classes })
    const token = await h.login({ class: 'brief', attributes: { cart: 1 } })
    const id = token.split('.')[1] ?? ''
    h.host.advance(HOUR)
    await h.show(token)

    expect((await h.sessions.list({ subject: 'ada' })).items).toEqual([])
    expect(await h.sessions.show(id)).toBeUndefined()
    await expect(h.sessions.patchAttributes(id, { cart: 2 }, 1)).rejects.toMatchObject({
      code: 'not_found',
    })
  })

  test('a step-up that comes too late is told so, and its failure counts for nothing', async () => {
    const h = await harness(open)
    const token = await h.login()
    const begun = await h.sessions.beginStepUp({ token, request: atHome() })
    if (!begun.ok) throw new Error(begun.code)
    const { challenge } = begun
    h.host.advance(2 * HOUR)
    const done = { challenge, token, request: atHome() }

    await h.sessions.report({ kind: 'step_up_failed', ...done }).catch(() => {})
    const completed = await h.sessions.completeStepUp({ ...done, subject: 'ada', amr: ['otp'] })

    expect(completed.ok).toBe(false)
    expect(codeOf(await h.show(token))).toBe('session_expired')
  })

  test('logging out of it is no revocation, and a report that it was not me is one', async () => {
    const h = await harness(open, { classes })
    const token = await h.login({ class: 'brief' })
    h.host.advance(HOUR)
    h.events.length = 0

    await h.sessions.logout(token)
    expect(kinds(h)).toEqual(['session-expired'])
    expect(codeOf(await h.show(token))).toBe('session_expired')
    await h.sessions.report({ kind: 'not_me', session: token.split('.')[1] ?? '' })

    expect(h.events.at(-1)).toMatchObject({ type: 'session-revoked', reason: 'not_me' })
    expect(codeOf(await h.show(token))).toBe('session_unknown')
  })
})
