import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createSessions, lenient, newKeyring, type SessionEvent, strict } from 'holdfast'
import { fakeHost } from 'holdfast/contracts'
import {
  EVENT_TYPES,
  EVENTS,
  type EventDescription,
  type EventType,
  eventRecorder,
  OPTIONAL_FIELDS,
} from 'holdfast/maintenance'
import { memoryStore } from 'holdfast/memory'
import { describe, expect, test } from 'vitest'
import { atHome, docked } from '../../../holdfast/test/support/people.ts'
import { isSameSchema, publishedSchemas, schemaDocument } from '../../src/api/schemas.ts'
import { PERSONAL } from '../../src/audit/formats/facts.ts'
import { ownJson } from '../../src/audit/formats/own-json.ts'
import { running } from '../support.ts'
import EXAMPLES from './fixtures/event-examples.json' with { type: 'json' }
import { problemsBy, schemaOf } from './schemas.ts'
import { library } from './script/library.ts'
import { script } from './script/steps.ts'

const START = Date.UTC(2027, 0, 4, 8)

/** Every event of the script, and of what no person of the script does. */
async function played(): Promise<readonly SessionEvent[]> {
  const way = await library(0, fakeHost({ start: START }))
  for (const { run, gateOnly } of script().steps) if (gateOnly !== true) await run(way)
  return [...way.heard(), ...(await apart())]
}

/** A shadow policy, a gate, and a policy that changes. */
async function apart(): Promise<readonly SessionEvent[]> {
  const host = fakeHost({ start: START, seed: 'apart' })
  const store = memoryStore({ now: host.now })
  const keyring = newKeyring(host)
  const heard: SessionEvent[] = []
  const parts = { store, keyring, host, onEvent: (event: SessionEvent) => heard.push(event) }
  const sessions = createSessions({ ...parts, policy: lenient(), shadowPolicy: strict() })
  const created = await sessions.create({ subject: 'ada', amr: ['pwd'], request: atHome() })
  if (!created.ok) throw new Error(created.code)
  await sessions.verify({ token: created.token, request: docked() })
  const recorder = eventRecorder(parts)
  recorder.tell('request-refused', { actor: 'client', reason: 'cross_site_request' })
  const policy = { digest: '0a'.repeat(32), summary: '{"policy":"strict"}' }
  await recorder.record('policy-changed', { actor: 'grace', reason: 'taken_up', policy })
  await store.close()
  return heard
}

/** Of each type the one that says most, and of those the shortest. */
function examplesIn(events: readonly SessionEvent[]): Readonly<Record<string, SessionEvent>> {
  const found = EVENT_TYPES.map((type) => {
    const [best] = events
      .filter((event) => event.type === type)
      .sort((a, b) => saysOf(b) - saysOf(a) || lengthOf(a) - lengthOf(b))
    return [type, best] as const
  })
  return Object.fromEntries(found.filter((one): one is [EventType, SessionEvent] => one[1] != null))
}

const saysOf = (event: SessionEvent): number =>
  [event, event.network ?? {}].flatMap(Object.values).filter((value) => value !== null).length

const lengthOf = (event: SessionEvent): number => JSON.stringify(event).length

test('every event of the script is as the schema of its type says', async () => {
  const events = await played()

  expect(events.length).toBeGreaterThan(80)
  expect(events.flatMap((event) => problemsBy(schemaOf(event.type), event))).toEqual([])
})

test('every reason of the script has a name, or somebody chose it', async () => {
  const CHOSEN = ['default', 'otp', 'log_out_everywhere', 'stolen_laptop', 'draft_accepted']

  const unnamed = (await played()).filter(({ type, reason }) => {
    const { reasons }: EventDescription = EVENTS[type]
    return reason !== null && !Object.hasOwn(reasons, reason) && !CHOSEN.includes(reason)
  })

  expect(unnamed).toEqual([])
})

test('the examples of the documentation are what the engine tells', async () => {
  const examples = examplesIn(await played())

  expect(Object.keys(examples)).toEqual([...EVENT_TYPES])
  const file = fileURLToPath(new URL('fixtures/event-examples.json', import.meta.url))
  const text = `${JSON.stringify(examples, null, 2)}\n`
  // Where this fails with reason: vitest run -u with this file, then node tools/docs.mjs.
  await expect(text).toMatchFileSnapshot(file)
})

const CASES = Object.entries(EXAMPLES).map(([type, example]) => ({
  type,
  example: example as Readonly<Record<string, unknown>>,
}))

describe.each(CASES)('the schema of $type', ({ type, example }) => {
  const problems = (changes: Readonly<Record<string, unknown>>): readonly string[] =>
    problemsBy(schemaOf(type), { ...example, ...changes })

  test('takes the example, and no field more or less', () => {
    expect(problems({})).toEqual([])
    expect(problems({ address: '192.0.2.10' })).not.toEqual([])
    for (const name of Object.keys(example)) {
      const { [name]: _, ...rest } = example
      const found = problemsBy(schemaOf(type), rest)
      const free = name === 'trace' || (isOptional(name) && !isAlways(type, name))
      expect(found.length === 0, name).toBe(free)
    }
  })

  test('takes no field in another form', () => {
    for (const name of Object.keys(example)) {
      for (const wrong of [7.5, true, [], {}, { more: 1 }]) {
        expect(problems({ [name]: wrong }), `${name} ${JSON.stringify(wrong)}`).not.toEqual([])
      }
    }
    for (const name of ['network', 'device', 'decision', 'situation'] as const) {
      const value = example[name]
      if (value === null || typeof value !== 'object') continue
      expect(problems({ [name]: { ...value, more: 1 } }), name).not.toEqual([])
    }
  })

  test('takes null where the catalogue says so, and nothing where it says never', () => {
    const { has }: EventDescription = EVENTS[type as EventType]
    for (const name of ['subject', 'session', 'network', 'device', 'decision'] as const) {
      expect(problems({ [name]: null }).length === 0, name).toBe(has[name] !== 'always')
      const given = problems({ [name]: GIVEN[name] })
      expect(given.length === 0, name).toBe(has[name] !== 'never')
    }
  })

  test('takes its reasons, and others where somebody chooses them', () => {
    const { has, reasons, otherReasons }: EventDescription = EVENTS[type as EventType]
    for (const reason of Object.keys(reasons)) expect(problems({ reason })).toEqual([])
    expect(problems({ reason: 'nobody_named_it' }).length === 0).toBe(otherReasons !== undefined)
    expect(problems({ reason: null }).length === 0).toBe(has.reason !== 'always')
    if (otherReasons !== 'code') return
    expect(problems({ reason: 'No Code' })).not.toEqual([])
  })
})

const GIVEN = {
  subject: 'c3ViamVjdHN1YmplY3RzdQ',
  session: `c3ViamVjdHN1YmplY3RzdQ${'A'.repeat(20)}E`,
  network: { asn: 64500, organisation: null, kind: 'vpn', country: 'NL', city: null },
  device: { family: 'chrome', major: 148, os: 'windows' },
  decision: { outcome: 'challenge', score: 0, because: [] },
}

type OptionalField = (typeof OPTIONAL_FIELDS)[number]

function isOptional(name: string): name is OptionalField {
  return OPTIONAL_FIELDS.some((one) => one === name)
}

function isAlways(type: string, name: OptionalField): boolean {
  return EVENTS[type as EventType].has[name] === 'always'
}

describe.each(publishedSchemas())('$id', ({ id, versionIn, schema }) => {
  test('is published as it is', () => {
    const name = id.replace('urn:holdfast:', '').replaceAll(':', '.')
    const part = name.startsWith('event.') ? 'holdfast' : 'service'
    const file = new URL(`../../../${part}/schemas/${name}.json`, import.meta.url)

    const mend = `It has changed: raise ${versionIn}, and run node tools/docs.mjs.`
    expect(isSameSchema(JSON.parse(readFileSync(file, 'utf8')), schema), mend).toBe(true)
  })
})

const OUTPUT = 'urn:holdfast:output:1'

test.each(PERSONAL)(
  'lines of outputs are as their schema says, with personal: %s',
  async (personal) => {
    const all = { subject: 'ada', tenant: 'acme', address: '192.0.2.10', userAgent: 'Mozilla/5.0' }
    const lines = (await played()).map((event, index) =>
      ownJson({ index, partition: 1, sequence: index, event, personal: all }, { personal }),
    )

    expect(lines.flatMap((line) => problemsBy(OUTPUT, line))).toEqual([])
    for (const line of lines) {
      const { actor: _, ...less } = line
      for (const wrong of [{ ...line, further: 1 }, less, { ...line, type: 'from-the-future' }]) {
        expect(problemsBy(OUTPUT, wrong)).not.toEqual([])
      }
      for (const reason of ['No Code', 7]) {
        const found = problemsBy(OUTPUT, { ...line, reason })
        expect(found.length === 0).toBe(reason !== 7 && takesAnyText(line.type))
      }
    }
  },
)

const takesAnyText = (type: string): boolean =>
  type === 'session-established' || type === 'step-up-completed'

test('the schema of findings takes what is public of one, and nothing else', () => {
  const finding = {
    ...{ id: 'a', rule: 'login_storm', severity: 'high', at: START },
    ...{ subject: null, session: null, count: 1, events: ['d'] },
  }
  const problems = (changes: object): number =>
    problemsBy('urn:holdfast:finding:1', { ...finding, ...changes }).length

  expect(problems({})).toBe(0)
  for (const wrong of [{ more: 1 }, { severity: 'worst' }, { count: 'one' }, { title: 'A' }]) {
    expect(problems(wrong)).toBeGreaterThan(0)
  }
})

test('a schema is the same with other sentences, and with nothing else', () => {
  const schema = { title: 'a', description: 'b', enum: ['c'], properties: { title: { const: 1 } } }

  expect(isSameSchema(schema, { ...schema, title: 'x', description: 'y' })).toBe(true)
  expect(isSameSchema(schema, { ...schema, examples: ['c'] })).toBe(true)
  expect(isSameSchema(schema, { ...schema, enum: ['c', 'd'] })).toBe(false)
  expect(isSameSchema(schema, { ...schema, properties: { title: { const: 2 } } })).toBe(false)
  expect(isSameSchema(schema, { ...schema, properties: {} })).toBe(false)
})

test('the service hands out what is published', async () => {
  const { service } = await running({})

  const answer = await fetch(`${service.url}/v1/schemas`)

  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual(schemaDocument())
  expect(publishedSchemas().length).toBe(EVENT_TYPES.length + 2)
})
