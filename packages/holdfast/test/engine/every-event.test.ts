import { describe, expect, test } from 'vitest'
import {
  EVENT_TYPES,
  type EventType,
  type PersonalFacts,
  type SessionEvent,
} from '../../src/core/events.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import { eventLog } from '../../src/maintenance/event-log.ts'
import {
  CASES,
  type Case,
  correlation,
  type Detail,
  trace,
  traced,
} from '../support/event-cases.ts'
import { harness, inMemory } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

const ALL = EVENT_TYPES.flatMap((type) => CASES[type].map((one) => ({ type, ...one })))

interface Told {
  readonly event: SessionEvent
  readonly personal: PersonalFacts | null
}

/** The events of a case that name its call: those that were heard, and those that were kept. */
async function eventsOf(
  { type, options, prepare, cause }: Case & { readonly type: EventType },
  detail: Detail,
): Promise<{ readonly heard: readonly Told[]; readonly kept: readonly Told[] }> {
  const all: Told[] = []
  const onEvent = (event: SessionEvent, personal: PersonalFacts | null): void => {
    all.push({ event, personal })
  }
  const h = await harness(inMemory, { ...options, ...detail, onEvent })
  await cause(h, (await prepare?.(h)) ?? '', detail)
  const { items } = await eventLog(h).read(undefined, 1_000)
  const isIt = ({ event }: Told): boolean =>
    event.type === type && event.correlation === correlation
  return {
    heard: all.filter(isIt),
    kept: items.map((event) => ({ event, personal: event.personal })).filter(isIt),
  }
}

describe.each(ALL)('$type ($event.reason)', (one) => {
  test('names the request that caused it, and apart from that the person', async () => {
    const { heard, kept } = await eventsOf(one, { personalFacts: 'full' })

    expect(kept).toHaveLength(one.told ? 0 : 1)
    const [told] = one.told ? heard : kept
    expect(told?.event).toMatchObject({ type: one.type, ...traced, ...one.event })
    expect(told?.personal).toEqual(one.personal)
    expect(JSON.stringify(told?.event)).not.toMatch(/192\.0\.2|203\.0|198\.51|Mozilla|"ada"/)
  })

  test('tells the network alone, or nothing, where no more is asked for', async () => {
    const { heard, kept } = await eventsOf(one, { personalFacts: 'network' })
    const nothing = await eventsOf(one, {})

    const [told] = one.told ? heard : kept
    const address = one.personal?.address?.replace(/\d+$/, '0/24')
    const nameless = { subject: null, tenant: null, userAgent: null }
    expect(told?.personal).toEqual(address === undefined ? null : { ...nameless, address })
    expect([...nothing.heard, ...nothing.kept]).not.toEqual([])
    for (const { personal } of [...nothing.heard, ...nothing.kept]) expect(personal).toBeNull()
  })
})

test('an event takes its ids from the request where the caller does not say them', async () => {
  const h = await harness(inMemory)
  const headers = { ...atHome().headers, 'x-request-id': 'of-the-proxy', traceparent: trace }
  const request = atHome({ headers })

  await h.login({ request })
  await h.login({ request, correlation: 'said' })
  await h.login({ request: atHome({ headers: { ...headers, 'x-request-id': 'a b' } }) })
  await h.show('hf1.garbage', request)

  expect(h.events.map((event) => [event.correlation, event.trace])).toEqual([
    ['of-the-proxy', trace],
    ['said', trace],
    [null, trace],
    ['of-the-proxy', trace],
  ])
})

test.each([
  '00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01',
  'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  '00-00000000000000000000000000000000-b7ad6b7169203331-01',
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  `${trace}-more`,
  `${trace}\n`,
  '<b>',
  '',
  7,
  null,
])('"%s" is no trace, and refuses nothing', async (given) => {
  const h = await harness(inMemory)

  await h.login({ trace: given as string })

  expect(h.events).toHaveLength(1)
  expect(h.events[0]).not.toHaveProperty('trace')
})

test('a later version of traces is one, too', async () => {
  const h = await harness(inMemory)
  const later = trace.replace(/^00/, 'cc')

  await h.login({ trace: later })

  expect(h.events).toMatchObject([{ trace: later }])
})

test('personal facts are bounded, and an address has its one text', async () => {
  const heard: (PersonalFacts | null)[] = []
  const onEvent = (_: SessionEvent, personal: PersonalFacts | null): void => {
    heard.push(personal)
  }
  const headers = { 'user-agent': 'x'.repeat(9_000) }
  const request = atHome({ ip: '2001:DB8:0:0:1:2:3:4%eth0', headers })

  for (const personalFacts of ['full', 'network'] as const) {
    const h = await harness(inMemory, { onEvent, personalFacts })
    await h.login({ request })
    await h.show('hf1.garbage', null as unknown as RequestFacts)
  }

  expect(heard).toEqual([
    {
      subject: 'ada',
      tenant: 'default',
      address: '2001:db8::1:2:3:4',
      userAgent: 'x'.repeat(512),
    },
    null,
    { subject: null, tenant: null, address: '2001:db8::/64', userAgent: null },
    null,
  ])
})

test('a copy of a logged event has its public part alone', async () => {
  const h = await harness(inMemory, { personalFacts: 'full' })
  await h.login()

  const [event] = (await eventLog(h).read(undefined, 10)).items

  expect(event?.personal).toMatchObject({ subject: 'ada' })
  expect({ ...event }).not.toHaveProperty('personal')
  expect(JSON.stringify(event)).not.toContain('ada')
})
