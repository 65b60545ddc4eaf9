import { readFileSync } from 'node:fs'
import { RELEVANT_HEADERS } from 'holdfast'
import { expect, test } from 'vitest'
import { running } from '../support.ts'

const CALLS = [
  'post /v1/sessions',
  'post /v1/verify',
  'post /v1/verify/batch',
  'post /v1/refresh',
  'post /v1/introspect',
  'post /v1/revoke',
  'post /v1/logout',
  'get /v1/sessions/{id}',
  'post /v1/sessions/{id}/revoke',
  'patch /v1/sessions/{id}/attributes',
  'get /v1/subjects/{subject}/sessions',
  'post /v1/subjects/{subject}/revoke',
  'post /v1/step-up/begin',
  'post /v1/step-up/complete',
  'post /v1/reports',
  'get /v1/events',
  'get /v1/search/events',
  'get /v1/search/sessions',
  'get /v1/search/subjects',
  'get /v1/incidents',
  'get /v1/incidents/{id}',
  'post /v1/incidents/{id}',
  'get /v1/alerts',
  'get /v1/alerts/{id}',
  'post /v1/alerts/test',
  'post /v1/alerts/{id}/replay',
  'post /v1/audit/erase',
  'get /.well-known/jwks.json',
  'get /v1/revocations',
  'get /v1/request',
  'get /openapi.json',
  'get /v1/schemas',
]

/** Without a key. */
const OPEN = ['get /.well-known/jwks.json', 'get /openapi.json', 'get /v1/schemas']

type Json = { readonly [key: string]: Json } | readonly Json[] | string | number | boolean | null

function* references(value: Json): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, one] of Object.entries(value)) {
    if (key === '$ref' && typeof one === 'string') yield one
    else yield* references(one)
  }
}

test('the document is OpenAPI 3.1, needs no key, and has every call and nothing else', async () => {
  const run = await running()

  const answer = await run.call('GET', '/openapi.json', { key: null })
  const document = await answer.json()

  expect(answer.status).toBe(200)
  expect(document.openapi).toBe('3.1.0')
  const calls = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  expect(calls.sort()).toEqual([...CALLS].sort())
})

test('every reference of the document resolves, and none is unused', async () => {
  const run = await running()
  const document = await (await run.call('GET', '/openapi.json', { key: null })).json()

  const used = new Set(references(document))

  for (const reference of used) {
    const found = reference
      .slice(2)
      .split('/')
      .reduce((at: Record<string, never>, key) => at?.[key] ?? {}, document)
    expect(Object.keys(found), reference).not.toEqual([])
  }
  for (const name of Object.keys(document.components.schemas)) {
    expect([...used]).toContain(`#/components/schemas/${name}`)
  }
})

test('every call says who may make it and what it answers', async () => {
  const run = await running()
  const document = await (await run.call('GET', '/openapi.json', { key: null })).json()

  for (const name of CALLS.filter((call) => !OPEN.includes(call))) {
    const [method = '', path = ''] = name.split(' ')
    const call = document.paths[path][method]
    expect(call.description, name).toMatch(/^Roles: /)
    expect(call.security, name).toEqual([{ key: [] }, { basic: [] }])
    expect(Object.keys(call.responses), name).toEqual(
      expect.arrayContaining(['400', '401', '403', '503']),
    )
    if (method !== 'get') {
      expect(call.requestBody?.required, name).toBe(true)
      expect(call.responses['413'].description, name).toMatch(/KiB$/)
    }
    for (const parameter of path.match(/(?<=\{)\w+/g) ?? []) {
      expect(call.parameters).toContainEqual(
        expect.objectContaining({ name: parameter, in: 'path', required: true }),
      )
    }
  }
})

test('every call has a name of its own for generated clients', async () => {
  const run = await running()
  const document = await (await run.call('GET', '/openapi.json', { key: null })).json()

  const names = Object.values<Record<string, { operationId: string }>>(document.paths).flatMap(
    (methods) => Object.values(methods).map(({ operationId }) => operationId),
  )

  for (const name of names) expect(name).toMatch(/^[a-z][A-Za-z]+$/)
  expect(new Set(names).size).toBe(CALLS.length)
})

test('the document and the API page list the headers that are looked at', async () => {
  const run = await running()
  const document = await (await run.call('GET', '/openapi.json', { key: null })).json()
  const page = readFileSync(new URL('../../../../docs/api.md', import.meta.url), 'utf8')

  const { description } = document.components.schemas.RequestFacts.properties.headers

  for (const name of RELEVANT_HEADERS) {
    expect(description).toContain(name)
    expect(page).toContain(`\`${name}\``)
  }
})

test('generated clients know where to ask, and which calls need no key', async () => {
  const run = await running()
  const document = await (await run.call('GET', '/openapi.json', { key: null })).json()

  expect(document.servers).toEqual([expect.objectContaining({ url: '/' })])
  for (const name of OPEN) {
    const [method = '', path = ''] = name.split(' ')
    expect(document.paths[path][method].security, name).toEqual([])
  }
})

test('a verdict is one of two objects, each with the fields that it always has', async () => {
  const run = await running()
  const { components } = await (await run.call('GET', '/openapi.json', { key: null })).json()
  const { Verification, Accepted, Refused, Created, Refreshed } = components.schemas

  expect(Verification.oneOf).toEqual([
    { $ref: '#/components/schemas/Accepted' },
    { $ref: '#/components/schemas/Refused' },
  ])
  expect(Accepted.properties.ok).toEqual({ type: 'boolean', const: true })
  expect(Refused.properties.ok).toEqual({ type: 'boolean', const: false })
  expect(Accepted.required).toEqual(['ok', 'decision', 'session', 'persistent'])
  expect(Refused.required).toEqual(['ok', 'code'])
  expect(Created.properties.ok).toEqual(Refreshed.properties.ok)
})

test('an event may have no decision, and says so: it once could not, and did', async () => {
  const run = await running()
  const { components } = await (await run.call('GET', '/openapi.json', { key: null })).json()
  const { properties, required } = components.schemas.Event

  for (const name of ['decision', 'situation', 'network', 'device', 'subject', 'session']) {
    expect([name, properties[name].anyOf[1]]).toEqual([name, { type: 'null' }])
    expect(required).toContain(name)
  }
})
