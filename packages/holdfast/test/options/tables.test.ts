import { createSessions, newKeyring, SessionError } from 'holdfast'
import * as client from 'holdfast/client'
import * as express from 'holdfast/express'
import * as fastify from 'holdfast/fastify'
import * as fetchAdapter from 'holdfast/fetch'
import { gatewayGuard } from 'holdfast/gateway'
import * as hono from 'holdfast/hono'
import * as koa from 'holdfast/koa'
import { lmdbStore } from 'holdfast/lmdb'
import { memoryStore } from 'holdfast/memory'
import * as nest from 'holdfast/nest'
import { geoLookup } from 'holdfast/network'
import * as next from 'holdfast/next'
import * as node from 'holdfast/node'
import { openTelemetry } from 'holdfast/opentelemetry'
import { redisStore } from 'holdfast/redis'
import { heldForms, memoryFactors, memoryForms, stepUp } from 'holdfast/step-up'
import {
  accessTokens,
  keySet,
  newSigningKeys,
  publicKeySet,
  remoteKeySet,
  revocationFeed,
  verifier,
} from 'holdfast/tokens'
import { describe, expect, test } from 'vitest'
import { GUARD_FIELDS, ROUTE_OPTIONS } from '../../src/adapters/guard/options.ts'
import { COOKIE_OPTIONS } from '../../src/carriers/cookie.ts'
import { CONNECT_OPTIONS } from '../../src/client/options.ts'
import { SESSIONS_OPTIONS } from '../../src/engine/options.ts'
import { GEO_OPTIONS } from '../../src/network/mmdb.ts'
import { OPEN_TELEMETRY_OPTIONS } from '../../src/opentelemetry/options.ts'
import { HELD_FORMS_OPTIONS } from '../../src/step-up/held-forms.ts'
import { STEP_UP_OPTIONS } from '../../src/step-up/step-up.ts'
import { LMDB_OPTIONS } from '../../src/stores/lmdb.ts'
import { MEMORY_OPTIONS } from '../../src/stores/memory.ts'
import { REDIS_OPTIONS } from '../../src/stores/redis.ts'
import { ACCESS_TOKENS_OPTIONS } from '../../src/tokens/access-tokens.ts'
import { KEY_SET_OPTIONS } from '../../src/tokens/key-sets.ts'
import { ACCESS_OPTIONS } from '../../src/tokens/requirements.ts'
import { FEED_OPTIONS } from '../../src/tokens/revocations.ts'
import { VERIFIER_OPTIONS } from '../../src/tokens/verifier.ts'

const store = memoryStore()
const keyring = newKeyring()
const sessions = createSessions({ store, keyring })
const keys = keySet(publicKeySet(newSigningKeys()))
const SERVICE = { url: 'http://127.0.0.1:4600', key: 'key-of-nobody-at-all' }

interface Call {
  readonly of: string
  readonly names: readonly string[]
  /** Calls the function. What it makes is closed again. */
  with(options: object): unknown
  /** Options that are right. */
  readonly right: object
}

const adapter = (name: string, holdfast: (of: typeof sessions, options: object) => unknown) => ({
  of: `holdfast() of ${name}`,
  names: Object.keys(GUARD_FIELDS),
  with: (options: object) => holdfast(sessions, options),
  right: {},
})

const CALLS: readonly Call[] = [
  {
    of: 'createSessions()',
    names: Object.keys(SESSIONS_OPTIONS.fields),
    with: (options) => createSessions(options as never),
    right: { store, keyring },
  },
  adapter('express', express.holdfast),
  adapter('fastify', fastify.holdfast),
  adapter('hono', hono.holdfast),
  adapter('fetch', fetchAdapter.holdfast),
  adapter('koa', koa.holdfast),
  adapter('nest', nest.holdfast),
  adapter('next', next.holdfast),
  adapter('node', node.holdfast),
  {
    of: 'gatewayGuard()',
    names: ['address', 'origins', 'cookieName', 'loginUrl', 'stepUpUrl', 'refusedUrl'],
    with: (options) => gatewayGuard(sessions, options),
    right: { origins: ['https://shop.example'] },
  },
  {
    of: 'requireSession()',
    names: Object.keys(ROUTE_OPTIONS.fields),
    with: (options) => node.holdfast(sessions).requireSession(options),
    right: {},
  },
  {
    of: 'cookie()',
    names: Object.keys(COOKIE_OPTIONS.fields),
    with: (options) => node.cookie(options),
    right: {},
  },
  {
    of: 'connect()',
    names: Object.keys(CONNECT_OPTIONS.fields),
    with: (options) => client.connect(options as never),
    right: SERVICE,
  },
  {
    of: 'openTelemetry()',
    names: Object.keys(OPEN_TELEMETRY_OPTIONS.fields),
    with: (options) => openTelemetry(options as never),
    right: {},
  },
  {
    of: 'memoryStore()',
    names: Object.keys(MEMORY_OPTIONS.fields),
    with: (options) => memoryStore(options),
    right: {},
  },
  {
    of: 'lmdbStore()',
    names: Object.keys(LMDB_OPTIONS.fields),
    with: (options) => lmdbStore(options as never),
    right: { path: '/dev/null/never-opened' },
  },
  {
    of: 'redisStore()',
    names: Object.keys(REDIS_OPTIONS.fields),
    with: (options) => redisStore(options),
    right: { url: 'redis://127.0.0.1:1' },
  },
  {
    of: 'geoLookup()',
    names: Object.keys(GEO_OPTIONS.fields),
    with: (options) => geoLookup(options as never).close(),
    right: { city: [], asn: [], onProblem: () => {} },
  },
  {
    of: 'heldForms()',
    names: Object.keys(HELD_FORMS_OPTIONS.fields),
    with: (options) => heldForms(options as never),
    right: { store: memoryForms() },
  },
  {
    of: 'stepUp()',
    names: Object.keys(STEP_UP_OPTIONS.fields),
    with: (options) => stepUp(options as never),
    right: { store: memoryFactors(), name: 'Shop' },
  },
  {
    of: 'accessTokens()',
    names: Object.keys(ACCESS_TOKENS_OPTIONS.fields),
    with: (options) => accessTokens(options as never),
    right: {
      keys: newSigningKeys(),
      issuer: 'https://auth.example',
      audiences: { orders: {} },
    },
  },
  {
    of: 'verifier()',
    names: Object.keys(VERIFIER_OPTIONS.fields),
    with: (options) => verifier(options as never),
    right: { issuer: 'https://auth.example', audience: 'orders', keys },
  },
  {
    of: 'requireAccess()',
    names: Object.keys(ACCESS_OPTIONS.fields),
    with: (options) =>
      node
        .accessGuard(verifier({ issuer: 'https://auth.example', audience: 'orders', keys }))
        .requireAccess(options),
    right: {},
  },
  {
    of: 'revocationFeed()',
    names: Object.keys(FEED_OPTIONS.fields),
    with: (options) => revocationFeed(options as never).close(),
    right: SERVICE,
  },
  {
    of: 'remoteKeySet()',
    names: Object.keys(KEY_SET_OPTIONS.fields),
    with: (options) => remoteKeySet(options as never),
    right: { url: 'https://auth.example/.well-known/jwks.json' },
  },
]

describe.each(CALLS.map((call) => [call.of, call] as const))('%s', (_, call) => {
  test('takes options that are right, and undefined for one that may be left out', () => {
    const absent = Object.fromEntries(call.names.map((name) => [name, undefined]))

    expect(problemOf(call, {})).not.toContain('is not an option')
    expect(problemOf({ ...call, right: { ...absent, ...call.right } }, {})).toBe(
      problemOf(call, {}),
    )
  })

  test.each(call.names)('names %s where one letter of it is wrong', (name) => {
    for (const wrong of misspellings(name)) {
      if (call.names.includes(wrong)) continue
      const problem = problemOf(call, { [wrong]: 'of any type' })

      expect(problem, wrong).toContain(`${wrong} is not an option`)
      // One letter off may be one letter off of another name, too.
      const meant = call.names.filter((other) => misspellings(other).includes(wrong))
      const named = namesIn(problem.slice(problem.indexOf('is not an option')))
      expect(
        meant.filter((other) => named.includes(other)),
        `${wrong}: ${problem}`,
      ).not.toEqual([])
    }
  })

  test.each(call.names)('refuses %s of a wrong type by its name', (name) => {
    const right = RIGHT[name]
    if (right === undefined) throw new Error(`Say of which type ${name} is.`)
    for (const [type, value] of Object.entries(VALUES)) {
      if (right.some((one) => one === type)) continue
      const problem = problemOf(call, { [name]: value })

      expect(problem, type).toMatch(new RegExp(`\\b${name}(\\.\\w+)* (must|is|has)`))
    }
  })

  test('lists its options for a name that is close to none', () => {
    const problem = problemOf(call, { xyzzyxyzzyxyzzy: 1 })

    expect(problem).toContain('xyzzyxyzzyxyzzy is not an option. There are: ')
    expect(namesIn(problem)).toEqual(expect.arrayContaining([...call.names]))
  })

  test('never repeats a value', () => {
    const secret = 'a-secret-in-the-wrong-place'

    for (const name of [...call.names, 'nothing']) {
      expect(problemOf(call, { [name]: [[secret]] })).not.toContain(secret)
    }
  })

  test.each([null, 7, 'text', []])('refuses %j in place of its options', (value) => {
    expect(problemOf({ ...call, with: () => call.with(value as never) }, {})).toContain(
      'needs an object with options',
    )
  })
})

/** What is said where a call is wrong; nothing where it is right, or fails for another reason. */
function problemOf(call: Call, options: object): string {
  try {
    call.with({ ...call.right, ...options })
    return ''
  } catch (error) {
    if (error instanceof SessionError && error.code === 'config_invalid') return error.message
    throw error
  }
}

function namesIn(problem: string): readonly string[] {
  return problem.match(/\w+/g) ?? []
}

/** A letter less, two letters in the wrong order, one twice, one in the wrong case. */
function misspellings(name: string): readonly string[] {
  const letters = [...name]
  return letters.flatMap((letter, at) => {
    const [before, after] = [name.slice(0, at), name.slice(at + 1)]
    const next = letters[at + 1]
    const swapped = next === undefined ? [] : [`${before}${next}${letter}${name.slice(at + 2)}`]
    const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
    const all = [
      `${before}${after}`,
      ...swapped,
      `${before}${letter}${letter}${after}`,
      `${before}${other}${after}`,
    ]
    return all.filter((wrong) => wrong !== name && wrong !== '')
  })
}

const VALUES = {
  nothing: null,
  flag: true,
  number: 0.5,
  text: 'some text',
  list: [Symbol('of nothing')],
  object: {},
  function: () => undefined,
} as const

/** Of which of these types a right value may be. */
const RIGHT: Readonly<Record<string, readonly (keyof typeof VALUES)[]>> = {
  // objects that other calls made: an empty object is none of them
  store: [],
  keyring: [],
  tokens: [],
  telemetry: [],
  tracerProvider: [],
  loggerProvider: [],
  host: [],
  heldForms: [],
  keys: [],
  revocations: [],
  kinds: [],
  key: ['text'],
  // functions
  policy: ['function'],
  shadowPolicy: ['function'],
  lookup: ['function'],
  onEvent: ['function'],
  personalFacts: ['text'],
  onMemories: ['function'],
  onWarning: ['function'],
  onRefusal: ['function'],
  onProblem: ['function'],
  now: ['function'],
  fetch: ['function'],
  // an object of which everything may be left out
  tenantPolicies: ['object'],
  classes: ['object'],
  tenants: ['object'],
  refresh: ['object'],
  address: ['object'],
  networks: ['object'],
  tls: ['object'],
  client: ['object', 'function'],
  subscriber: ['object', 'function'],
  onBehalf: [],
  relyingParty: [],
  authority: [],
  localCopies: ['object', 'flag'],
  eventSampling: ['object', 'number'],
  audiences: [],
  acr: ['text'],
  // lists: what is in this one is right in none
  signals: [],
  acrOrder: [],
  carriers: [],
  origins: [],
  clearSiteData: [],
  city: [],
  asn: [],
  // numbers
  prefixV4: [],
  prefixV6: [],
  sessionLimit: [],
  cacheBytes: [],
  eventSamplingPerSecond: [],
  feedLimit: [],
  feedBytes: [],
  auditBacklogBytes: [],
  mapSize: [],
  cached: [],
  idleTimeout: [],
  absoluteTimeout: [],
  rotateEvery: [],
  maxAge: [],
  timeout: [],
  skew: [],
  coolDown: [],
  checkEvery: [],
  accessTokenLifetime: [],
  // flags
  deliverable: ['flag'],
  allowEviction: ['flag'],
  strict: ['flag'],
  partitioned: ['flag'],
  cookie: ['object'],
  // words
  sessionLimitBeyond: [],
  sensitivity: [],
  activity: [],
  sameSite: [],
  whenBlind: [],
  loginPage: [],
  stepUpPage: [],
  refusedPage: [],
  loginUrl: [],
  stepUpUrl: [],
  refusedUrl: [],
  cookieName: ['text'],
  name: ['text'],
  path: ['text'],
  url: ['text'],
  prefix: [],
  issuer: ['text'],
  audience: ['text'],
  clientId: ['text'],
}
