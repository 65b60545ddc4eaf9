import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newKeyring } from '../../src/codecs/keyring.ts'
import type { Login } from '../../src/core/sessions.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { harness, inMemory } from '../support/harness.ts'
import { atHome } from '../support/people.ts'

const long = (length: number): string => 'x'.repeat(length)

describe('a login', () => {
  test.each([
    ['an empty subject', { subject: '' }, 'subject'],
    ['a subject that is too long', { subject: long(257) }, 'subject'],
    ['a subject with half of a surrogate pair', { subject: 'a\ud800' }, 'subject'],
    ['a tenant with half of a surrogate pair', { tenant: '\udfff' }, 'tenant'],
    ['a class with half of a surrogate pair', { class: '\ud800' }, 'class'],
    ['a tenant that is too long', { tenant: long(129) }, 'tenant'],
    ['an unknown class', { class: 'forever' }, 'class'],
    [
      'a class of no name',
      { class: 'forever' },
      '"forever" is unknown; configured: default, remember',
    ],
    ['a class that every object inherits', { class: 'constructor' }, 'class'],
    ['too many methods', { amr: Array.from({ length: 17 }, () => 'pwd') }, 'amr'],
    [
      'attributes over 8 KiB',
      { attributes: { a: 1, note: long(9_000), z: 'é' } },
      'most of it is "note" with 9002',
    ],
    [
      'a date in attributes',
      { attributes: { a: [{ at: new Date() }] } },
      'attributes.a[0].at must',
    ],
    ['a map in attributes', { attributes: { seen: new Map() } }, 'attributes.seen must'],
    ['a hole in attributes', { attributes: { a: Array(1) } }, 'attributes.a[0] must'],
    ['no number in attributes', { attributes: { a: { b: Number.NaN } } }, 'attributes.a.b must'],
    ['undefined in attributes', { attributes: { a: undefined } }, 'attributes.a must'],
    ['a bigint in attributes', { attributes: { a: 1n } }, 'attributes.a must'],
    ['a list for attributes', { attributes: [] }, 'attributes must'],
    [
      'attributes that reach a prototype',
      { attributes: JSON.parse('{"__proto__":{}}') },
      'attributes',
    ],
    [
      'a header that is a number',
      { request: atHome({ headers: { 'user-agent': [1] as never } }) },
      'request.headers.user-agent',
    ],
    ['a URL that is a number', { request: atHome({ url: 1 as never }) }, 'request.url'],
    [
      'a client fact that is a number',
      { request: atHome({ client: { screen: 1 as never } }) },
      'request.client.screen',
    ],
  ] as const)(
    'with %s is refused by name of the field, and loses nothing',
    async (_title, change, field) => {
      const { sessions, events } = await harness(inMemory)

      await expect(
        sessions.create({ subject: 'ada', request: atHome(), ...change } as Login),
      ).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining(field),
      })
      expect(events).toEqual([])
    },
  )
})

describe('a request', () => {
  test.each([
    '1.2.3.4:5555',
    '999.2.3.4',
    '[::1]',
    '',
    '1.2.3.4, 10.0.0.1',
    'unknown',
    '1.2.3.4'.repeat(50),
  ])('from "%s" is refused: it would pass for one from an unknown network', async (ip) => {
    const { sessions, login } = await harness(inMemory)
    const token = await login()
    const request = atHome({ ip })
    const refused = { code: 'invalid_input', message: expect.stringContaining('request.ip') }

    await expect(sessions.verify({ token, request })).rejects.toMatchObject(refused)
    await expect(sessions.create({ subject: 'ada', request })).rejects.toMatchObject(refused)
    const failed = { kind: 'login_failed', subject: 'ada', request } as const
    await expect(sessions.report(failed)).rejects.toMatchObject(refused)
  })

  test.each(['G ET', 'GET\r\n', 'GÉT', '(get)'])(
    'by the method "%s" is refused',
    async (method) => {
      const { sessions, login } = await harness(inMemory)
      const token = await login()

      await expect(sessions.verify({ token, request: atHome({ method }) })).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('request.method'),
      })
    },
  )
})

test('no nesting of attributes is deep enough to overflow', async () => {
  const { sessions } = await harness(inMemory)
  const deep = JSON.parse(`${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`)

  await expect(
    sessions.create({ subject: 'ada', request: atHome(), attributes: deep }),
  ).rejects.toMatchObject({ code: 'invalid_input' })
})

test('no token makes verify throw anything but a coded error, or pass', async () => {
  const { sessions } = await harness(inMemory)

  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (token) => {
      expect(await sessions.verify({ token, request: atHome() })).toMatchObject({
        ok: false,
        code: 'token_malformed',
      })
    }),
    { numRuns: 500 },
  )
})

test('no request facts make verify throw anything but a coded error', async () => {
  const { sessions, login } = await harness(inMemory)
  const token = await login()
  const text = fc.string({ unit: 'binary', maxLength: 80 })

  await fc.assert(
    fc.asyncProperty(
      fc.record({
        ip: fc.oneof(fc.constant(null), text),
        method: text,
        url: text,
        headers: fc.dictionary(
          fc.constantFrom('user-agent', 'accept-language', 'sec-ch-ua', 'sec-ch-ua-platform'),
          text,
        ),
        client: fc.record(
          { screen: text, timezone: text, languages: fc.array(text) },
          { requiredKeys: [] },
        ),
      }),
      async (request) => {
        const answer = await sessions.verify({ token, request }).catch((error: unknown) => error)
        expect(answer).toSatisfy(
          (one: { ok?: boolean; code?: string }) =>
            one.ok !== undefined || one.code === 'invalid_input',
        )
      },
    ),
    { numRuns: 500 },
  )
})

test.each([
  ['a limit of none', { sessionLimit: 0, sessionLimitBeyond: 'refuse' }, 'sessionLimit'],
  [
    'an idle timeout beyond the absolute one',
    { classes: { odd: { absolute: 1, idle: 2, persistent: false } } },
    'classes.odd',
  ],
  ['a prefix that is no prefix', { prefixV4: 0 }, 'prefixV4'],
  ['a rotation interval of zero', { rotateEvery: 0 }, 'rotateEvery'],
] as const)('a configuration with %s is refused at the start', (_title, options, field) => {
  const keyring = newKeyring()

  expect(() => createSessions({ store: memoryStore(), keyring, ...options })).toThrow(
    expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(field) }),
  )
})

test('a call without its parts, or with a long correlation, is refused by field', async () => {
  const { sessions, login } = await harness(inMemory)
  const token = await login()
  const nothing = undefined as never
  const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['request', () => sessions.verify({ token, request: nothing })],
    ['request', () => sessions.create({ subject: 'ada', request: nothing })],
    ['report', () => sessions.report(nothing)],
    [
      'except',
      () => sessions.revokeSubject({ subject: 'ada' }, { reason: 'x', except: null as never }),
    ],
    [
      'correlation',
      () => sessions.verify({ token, request: atHome(), correlation: long(100_000) }),
    ],
    [
      'correlation',
      () => sessions.beginStepUp({ token, request: atHome(), correlation: {} as never }),
    ],
  ]

  for (const [field, call] of calls) {
    await expect(call()).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(field),
    })
  }
})
