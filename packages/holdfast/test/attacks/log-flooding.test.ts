import { expect, test } from 'vitest'
import { eventLog } from '../../src/maintenance/event-log.ts'
import {
  codeOf,
  type Harness,
  HOUR,
  harness,
  held,
  inMemory,
  MINUTE,
  SECOND,
} from '../support/harness.ts'
import { abroad, atHome, onTheTrain } from '../support/people.ts'

/** Everything that the feed has to keep: events, and word of every change of the record. */
async function entriesOf({ store }: Harness): Promise<number> {
  return (await store.feed.read(undefined, 1_000)).items.length
}

const disguised = (i: number): ReturnType<typeof abroad> =>
  abroad({ client: { screen: `${800 + i}x600x1`, timezone: 'UTC' } })

test('a thief who changes clothes with every request fills neither log nor record', async () => {
  const h = await harness(inMemory)
  const token = await h.login()

  for (let i = 0; i < 100; i++) {
    h.host.advance(SECOND)
    expect(codeOf(await h.show(token, disguised(i)))).toBe('step_up_required')
  }

  expect(await entriesOf(h)).toBeLessThan(20)
  const { items } = await eventLog(h).read(undefined, 1_000)
  expect(items.filter(({ type }) => type === 'step-up-required')).toHaveLength(1)
  const afterwards = abroad({ ...atHome(), ip: '203.0.113.66', headers: abroad().headers })
  expect(codeOf(await h.show(token, afterwards))).toBe('step_up_required')
  expect(codeOf(await h.show(token))).toBe('ok')
})

test('the page may still tell better client facts than the first request did', async () => {
  const h = await harness(inMemory)
  const token = await h.login({ class: 'remember' })
  h.host.advance(14 * HOUR)
  expect(codeOf(await h.show(token, atHome({ ip: '192.88.99.1' })))).toBe('step_up_required')

  const moved = atHome({ ip: '192.88.99.1', client: { timezone: 'Asia/Tokyo' } })
  expect(codeOf(await h.show(token, moved))).toBe('ok')
})

test('an owner between two confirmed networks is written down only now and then', async () => {
  const h = await harness(inMemory)
  let token = await h.login()
  await h.show(token, onTheTrain(), { deliverable: false })
  token = held(token, await h.stepUp(token, onTheTrain()))

  for (let i = 0; i < 240; i++) {
    h.host.advance(SECOND)
    const request = i % 2 === 0 ? atHome() : onTheTrain()
    token = held(token, await h.show(token, request, { deliverable: false }))
  }

  expect(h.host.now()).toBeGreaterThan(4 * MINUTE)
  expect(await entriesOf(h)).toBeLessThan(20)
  const { items } = await eventLog(h).read(undefined, 1_000)
  expect(items.filter(({ type }) => type === 'context-changed').length).toBeLessThanOrEqual(2)
})
