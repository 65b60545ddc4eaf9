import { describe, expect, test } from 'vitest'
import { codeOf, harness, inMemory, SECOND } from '../support/harness.ts'
import { abroad, atHome } from '../support/people.ts'

describe('client facts that are no facts', () => {
  test.each([
    ['a number for a text', { screen: 5 }],
    ['no object', 'screen'],
    ['a name of every object', JSON.parse('{"__proto__":{"screen":"1x1"}}')],
    ['another name of every object', { constructor: 'x' }],
    ['a fact of the gateway’s', { tls: 't13d1516h2_8daaf6152771_02713d6af862' }],
    ['an address', { ip: '192.0.2.10' }],
  ])('%s: refused with a code, and without a trace', async (_title, client) => {
    const { sessions, login, show } = await harness(inMemory)
    const token = await login()

    await expect(show(token, atHome({ client: client as never }))).rejects.toMatchObject({
      code: 'invalid_input',
    })

    const [session] = (await sessions.list({ subject: 'ada' })).items
    expect(session?.contexts).toHaveLength(1)
    expect(({} as { screen?: string }).screen).toBeUndefined()
  })

  test.each([
    '\0',
    'Europe/Oslo\0',
    '__proto__',
    'constructor',
    '../../etc/passwd',
    'Europe/Oslo\r\n',
    'Ｅurope/Oslo',
  ])('a zone of %j is unknown: no evidence, and no thief passes for it', async (timezone) => {
    const { login, show } = await harness(inMemory)
    const token = await login()

    const owner = await show(
      token,
      atHome({ client: { timezone, screen: timezone, languages: [timezone] } }),
    )
    const thief = await show(token, abroad({ client: { timezone, screen: timezone } }))

    expect(owner.decision?.outcome).toBe('allow')
    expect(codeOf(thief)).toBe('step_up_required')
  })

  test('facts that contradict each other gain nothing and fill nothing', async () => {
    const h = await harness(inMemory)
    const token = await h.login()
    const zones = ['Europe/Oslo', 'Asia/Tokyo', 'America/New_York', 'Pacific/Auckland']

    for (let i = 0; i < 200; i++) {
      h.host.advance(SECOND)
      const client = {
        timezone: zones[i % 4] ?? '',
        screen: `${100 + i}x${i + 1}x1`,
        languages: [i % 2 ? 'nb' : 'ja'],
      }
      expect(codeOf(await h.show(token, abroad({ client })))).toBe('step_up_required')
    }

    expect((await h.store.feed.read(undefined, 1_000)).items.length).toBeLessThan(30)
    expect(codeOf(await h.show(token))).toBe('ok')
  })
})
