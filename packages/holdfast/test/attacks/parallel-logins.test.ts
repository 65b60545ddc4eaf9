import { expect, test } from 'vitest'
import { describeOnEveryStore } from '../support/every-store.ts'
import { codeOf, harness, MINUTE } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

describeOnEveryStore('50 parallel logins against a limit of 3', (open) => {
  test('where the limit refuses, exactly three get in', async () => {
    const { sessions } = await harness(open, { sessionLimit: 3, sessionLimitBeyond: 'refuse' })

    const created = await Promise.all(
      Array.from({ length: 50 }, () => sessions.create({ subject: 'ada', request: atHome() })),
    )

    expect(created.filter(({ ok }) => ok)).toHaveLength(3)
    expect(created.filter((one) => !one.ok && one.code === 'session_limit_reached')).toHaveLength(
      47,
    )
    expect((await sessions.list({ subject: 'ada' })).items).toHaveLength(3)
  })

  test('where the oldest ends, all get in and three are left, each with its event', async () => {
    const { sessions, show, events } = await harness(open, {
      sessionLimit: 3,
      sessionLimitBeyond: 'end_oldest',
    })

    const created = await Promise.all(
      Array.from({ length: 50 }, () => sessions.create({ subject: 'ada', request: atHome() })),
    )

    expect(created.filter(({ ok }) => ok)).toHaveLength(50)
    const answers = []
    for (const one of created) answers.push(codeOf(await show(one.ok ? one.token : '')))
    expect(answers.filter((code) => code === 'ok')).toHaveLength(3)
    expect(events.filter(({ reason }) => reason === 'session_limit')).toHaveLength(47)
  })

  test('the limit is each subject’s own, and sessions that idled out do not count', async () => {
    const { sessions, host, login } = await harness(open, {
      sessionLimit: 1,
      sessionLimitBeyond: 'refuse',
    })

    await login({ subject: 'linus' })
    await login({ subject: 'ada' })
    expect(await sessions.create({ subject: 'ada', request: atHome() })).toMatchObject({
      ok: false,
    })
    host.advance(121 * MINUTE)
    expect(await sessions.create({ subject: 'ada', request: atHome() })).toMatchObject({ ok: true })
  })
})
