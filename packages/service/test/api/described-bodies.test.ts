import fc from 'fast-check'
import {
  attributes,
  batchBody,
  checker,
  login,
  logoutBody,
  presented,
  proof,
  report,
  revokeBody,
  revokeSubjectBody,
  type Shape,
  tokenBody,
} from 'holdfast/wire'
import { expect, test } from 'vitest'
import { schemaWriter } from '../../src/api/json-schema.ts'
import { arbitraryOf } from '../arbitrary.ts'
import { schemaValidator } from '../document.ts'
import { atHome, LOGIN, running } from '../support.ts'

const ID = 'A'.repeat(43)

/** Every call that takes a body. */
const BODIES: readonly (readonly [path: string, body: Shape])[] = [
  ['/v1/sessions', login],
  ['/v1/verify', presented],
  ['/v1/verify?', presented],
  ['/v1/verify/batch', batchBody],
  ['/v1/refresh', presented],
  ['/v1/step-up/begin', presented],
  ['/v1/step-up/complete', proof],
  ['/v1/reports', report],
  ['/v1/logout', logoutBody],
  ['/v1/introspect', tokenBody],
  ['/v1/revoke', tokenBody],
  [`/v1/sessions/${ID}/revoke`, revokeBody],
  ['/v1/subjects/ada/revoke', revokeSubjectBody],
  [`/v1/sessions/${ID}/attributes`, attributes],
]

/** Refusals of what no schema can say: what belongs to what. */
const RELATIONS = [
  'except is not a session of this subject',
  'challenge does not belong to this token and request',
]

/** Taken, or refused for what the body says. */
function isNoFault(status: number): boolean {
  return status < 500 && status !== 413
}

/** What a service's settings name does not stand in its document. */
function withinSettings(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, one) => {
      if (name === 'class') return 'remember'
      return name === 'audience' ? undefined : one
    }),
  )
}

test('a body that the document allows is taken: 331 of 4000 were once refused', async () => {
  const run = await running()
  const { components } = await (await run.call('GET', '/openapi.json')).json()

  for (const [path, body] of BODIES) {
    const schema = schemaWriter().schema(body, 'request')
    const bodies = arbitraryOf(schema, components.schemas).map(withinSettings)
    await fc.assert(
      fc.asyncProperty(bodies, async (value) => {
        const patch = path.endsWith('/attributes')
        const answer = await run.call(patch ? 'PATCH' : 'POST', path, {
          body: value,
          ...(patch ? { headers: { 'if-match': '"0"' } } : {}),
        })
        expect([path, answer.status]).toEqual([path, expect.toSatisfy(isNoFault)])
        if (answer.status !== 400) return
        const { detail } = await answer.json()
        expect([path, detail]).toEqual([path, expect.toSatisfy((one) => RELATIONS.includes(one))])
      }),
      { numRuns: 40 },
    )
  }
})

test('the limits of the document are those of the service', async () => {
  const run = await running()
  const request = atHome()
  const limits: readonly (readonly [object, number])[] = [
    [{ ...LOGIN, request, subject: 'x'.repeat(256) }, 201],
    [{ ...LOGIN, request, subject: '\u{1f511}'.repeat(256) }, 201],
    [{ ...LOGIN, request, subject: 'x'.repeat(257) }, 400],
    [{ ...LOGIN, request, subject: '\ud83d' }, 400],
    [{ ...LOGIN, request, acr: '\u{1f511}'.repeat(64) }, 201],
    [{ ...LOGIN, request, acr: '\u{1f511}'.repeat(65) }, 400],
    [{ ...LOGIN, request: { ...request, url: '\u{1f511}'.repeat(8_192) } }, 201],
    [
      { ...LOGIN, request: { ...request, headers: { accept: Array(16).fill('x'.repeat(2_048)) } } },
      201,
    ],
    [{ ...LOGIN, request: { ...request, headers: { accept: Array(17).fill('x') } } }, 201],
    [{ ...LOGIN, request: { ...request, headers: { [`x-${'y'.repeat(500)}`]: '' } } }, 201],
    [{ ...LOGIN, request: { ...request, headers: { 'X-Y': '' } } }, 400],
    [{ ...LOGIN, request: { ...request, method: 'X'.repeat(500) } }, 201],
    [{ ...LOGIN, request: { ...request, client: { screen: 'x'.repeat(65) } } }, 201],
    [{ ...LOGIN, request: { ...request, ip: 'x'.repeat(79) } }, 400],
  ]

  for (const [body, status] of limits) {
    const answer = await run.call('POST', '/v1/sessions', { body })

    expect([JSON.stringify(body).slice(0, 80), answer.status]).toEqual([expect.anything(), status])
  }
})

test('what the service checks and what the document says are one', () => {
  for (const [path, body] of BODIES) {
    const writer = schemaWriter()
    const schema = writer.schema(body, 'request')
    const allows = schemaValidator(schema, writer.components)
    const check = checker(body, 'request')
    fc.assert(
      fc.property(damaged(arbitraryOf(schema, writer.components)), (value) => {
        expect([path, check.accepts(value)]).toEqual([path, allows(value)])
        expect(check.problems(value).length === 0).toBe(check.accepts(value))
      }),
      { numRuns: 400 },
    )
  }
})

const STRANGE = fc.constantFrom<unknown>(
  null,
  '',
  'x'.repeat(300),
  '\ud800',
  '\u{1f511}'.repeat(40),
  'GET IT',
  '::1',
  '1.2.3.4',
  '01.2.3.4',
  '1:2:3:4:5:6:7:8:9',
  'fe80::1%eth0',
  0,
  -1,
  0.5,
  2 ** 60,
  true,
  [],
  ['x'],
  {},
  { x: 1 },
)

/** As described, but for one place. */
function damaged(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(values, fc.nat(), STRANGE, fc.constantFrom('replace', 'remove', 'add', 'leave'))
    .map(([value, at, strange, how]) => {
      if (how === 'leave') return value
      const copy: unknown = structuredClone(value)
      const places = placesOf(copy)
      const place = places[at % places.length]
      if (place === undefined) return strange
      const { parent, name } = place
      if (how === 'remove' && !Array.isArray(parent)) delete parent[name]
      else if (how === 'add' && !Array.isArray(parent)) parent[`${name}x`] = strange
      else parent[name] = strange
      return copy
    })
}

type Parent = Record<string, unknown>

function placesOf(value: unknown): readonly { readonly parent: Parent; readonly name: string }[] {
  if (typeof value !== 'object' || value === null) return []
  const parent = value as Parent
  return Object.entries(parent).flatMap(([name, one]) => [{ parent, name }, ...placesOf(one)])
}
