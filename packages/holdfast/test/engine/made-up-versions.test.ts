import { expect, test } from 'vitest'
import { harness, held, inMemory, MINUTE } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

const firefox = (version: number) => ({
  ...atHome().headers,
  'user-agent':
    `Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 ` + `Firefox/${version}.0`,
})

/**
 * Extensions against tracking do this: 0.3 % of desktops in the benchmark, whose owners were asked
 * 20 times a month.
 */
test('an owner whose browser makes up its version is not asked again', async () => {
  const { host, login, show } = await harness(inMemory)
  let token = await login({ request: atHome({ headers: firefox(150) }) })
  const outcomes: unknown[] = []

  for (const version of [140, 133, 128, 147, 121, 139]) {
    host.advance(6 * MINUTE)
    const answer = await show(token, atHome({ headers: firefox(version), ip: '192.0.3.7' }))
    token = held(token, answer)
    outcomes.push(answer.decision?.outcome)
  }

  expect(outcomes).not.toContain('challenge')
  expect(outcomes).toContain('observe')
})

test('what else was found there still counts beside it', async () => {
  const { host, login, show } = await harness(inMemory)
  const token = await login({ request: atHome({ headers: firefox(150) }) })
  const other = { screen: '800x600x1', timezone: 'Europe/Oslo' }
  host.advance(MINUTE)
  const at = { ip: '198.51.100.7', headers: firefox(150) }
  await show(token, atHome({ ...at, client: other }))
  host.advance(MINUTE)

  const answer = await show(token, atHome({ ...at, client: other, headers: firefox(140) }))

  expect(answer.decision?.because.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['evidence_carried', 'browser_downgraded']),
  )
})
