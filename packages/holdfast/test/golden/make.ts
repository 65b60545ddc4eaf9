import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
} from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { sealingCodec } from '../../src/codecs/codec.ts'
import { formatKeyring, type Keyring, type RingKey } from '../../src/codecs/keyring.ts'
import type { Claims } from '../../src/codecs/token-codec.ts'
import { type FakeHost, fakeHost } from '../../src/contracts/fake-host.ts'
import type { RequestFacts } from '../../src/core/request.ts'
import type { Created, Sessions } from '../../src/core/sessions.ts'
import type { Store } from '../../src/core/store.ts'
import { createSessions } from '../../src/engine/create-sessions.ts'
import { type Factors, NO_FACTORS } from '../../src/step-up/factors.ts'
import { afterProof, networkOf, withWrongCode } from '../../src/step-up/guesses.ts'
import { heldForms } from '../../src/step-up/held-forms.ts'
import { tickets } from '../../src/step-up/tickets.ts'
import { decodeCursor } from '../../src/stores/feed/cursor.ts'
import { lmdbStore } from '../../src/stores/lmdb.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { accessTokens } from '../../src/tokens/access-tokens.ts'
import { formatSigningKeys } from '../../src/tokens/signing-file.ts'
import {
  kidOf,
  publicKeySet,
  type SigningAlgorithm,
  type SigningKeyState,
  type SigningKeys,
} from '../../src/tokens/signing-keys.ts'
import { abroad, atHome, lookup, onTheTrain } from '../support/people.ts'
import { startRedis } from '../support/redis.ts'
import type { Golden, GoldenRecords, GoldenSession, GoldenTokens } from './files.ts'
import { openedOf } from './opened.ts'
import { base64, dumpLmdb, dumpRedis } from './raw-stores.ts'

/** Redis expires keys by its own clock: no machine is as late as this. */
const START = Date.UTC(2100, 0, 1, 12)
const MINUTE = 60_000

const ISSUER = 'https://authority.example'
const AUDIENCE = 'orders'

/** Seals the tickets of a step-up. Like every key here it is readable text, and no secret. */
export const TICKET_KEY = fixedBytes('TEST TICKET KEY, NOT A SECRET')

/** Everything that this version writes, made by a short story on a store of each kind. */
export async function makeGolden(): Promise<Golden> {
  const onDisk = await inLmdb()
  const inMemory = await inRedis()
  if (JSON.stringify(onDisk.records) !== JSON.stringify(inMemory.records)) {
    throw new Error('the stores do not agree about what was written')
  }
  const { records, tokens, keyring } = onDisk
  return {
    'test-keyring.json': JSON.parse(formatKeyring(keyring)),
    'test-signing-keys.json': JSON.parse(formatSigningKeys(testSigningKeys())),
    'records.json': records,
    'opened.json': openedOf(records, keyring),
    'tokens.json': tokens,
    'factors.json': guessedFactors(records.at),
    'redis.json': inMemory.raw,
    'lmdb.json': onDisk.raw,
  }
}

interface Told {
  readonly records: GoldenRecords
  readonly tokens: GoldenTokens
  readonly keyring: Keyring
}

async function inLmdb(): Promise<Told & { readonly raw: Golden['lmdb.json'] }> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-golden-'))
  try {
    const host = testHost()
    const store = lmdbStore({ path, now: host.now })
    const told = await story(store, host)
    await store.close()
    return { ...told, raw: await dumpLmdb(path) }
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

async function inRedis(): Promise<Told & { readonly raw: Golden['redis.json'] }> {
  const server = await startRedis()
  const client = new Redis({ port: server.port })
  try {
    const host = testHost()
    const store = redisStore({ client, now: host.now, timeout: 10_000 })
    const told = await story(store, host)
    await store.close()
    return { ...told, raw: await dumpRedis(client) }
  } finally {
    client.disconnect()
    await server.close()
  }
}

/** A factor was proved at home. Then come a hundred wrong codes, the last of them from abroad. */
function guessedFactors(at: number): Factors {
  const home = networkOf(atHome().ip)
  const away = networkOf(abroad().ip)
  let factors: Factors = { ...NO_FACTORS, ...afterProof(NO_FACTORS, home) }
  for (let wrong = 0; wrong < 100; wrong++) {
    factors = { ...factors, wrong: withWrongCode(factors, away, at) }
  }
  return factors
}

function testHost(): FakeHost {
  return fakeHost({ start: START, seed: 'golden files' })
}

/**
 * Ada logs in, rotates, travels and is asked for a step-up by a request from abroad. Bob's session
 * is sealed under the next key of the ring. Cyd logs out, and Dee is logged out everywhere.
 */
async function story(store: Store, host: FakeHost): Promise<Told> {
  const ring = growingRing(host)
  const codec = sealingCodec(ring, host)
  const signing = testSigningKeys()
  const tokens = accessTokens({ keys: signing, issuer: ISSUER, audiences: { [AUDIENCE]: {} } })
  const sessions = createSessions({ store, keyring: ring, host, lookup, tokens })

  const ada = await logIn(sessions, {
    subject: 'ada',
    refresh: true,
    acr: 'urn:example:password',
    amr: ['pwd', 'otp'],
    attributes: { theme: 'dark', cart: [1, 2, 3] },
  })
  await sessions.report({ kind: 'login_failed', subject: 'ada', request: abroad() })
  host.advance(6 * MINUTE)
  const token = await present(sessions, ada.token, atHome())
  host.advance(6 * MINUTE)
  const newest = await present(sessions, token, onTheTrain())
  await sessions.patchAttributes(ada.session.id, { theme: 'light' }, ada.session.attributesVersion)
  await sessions.verify({ token: newest, request: abroad(), sensitivity: 'sensitive' })
  const begun = await sessions.beginStepUp({ token: newest, request: abroad() })
  if (!begun.ok) throw new Error(`no step-up: ${begun.code}`)

  ring.rotate()
  const cyd = await logIn(sessions, { subject: 'cyd' })
  await sessions.logout(cyd.token)
  await logIn(sessions, { subject: 'dee' })
  await sessions.revokeSubject({ subject: 'dee' }, { reason: 'not_me' })
  const bob = await logIn(sessions, {
    subject: 'bob',
    tenant: 'acme',
    class: 'remember',
    request: atHome({ ip: '2001:db8::7', tls: 't13d1516h2_8daaf6152771_02713d6af862' }),
  })
  const refreshed = await sessions.refresh({
    token: ada.refreshToken ?? '',
    request: atHome({ method: 'POST' }),
    audience: AUDIENCE,
  })
  if (!refreshed.ok || refreshed.accessToken === undefined) throw new Error('no refresh')
  await store.replays.once('golden nonce', host.now() + 24 * 60 * MINUTE)

  const at = host.now()
  const records: GoldenRecords = {
    at,
    sessions: await Promise.all([ada, bob].map(({ session }) => recordOf(store, session.id))),
    histories: await Promise.all(
      [codec.subjectKey('default', 'ada'), codec.subjectKey('acme', 'bob')].map(async (subject) => {
        const { generation, version, sealed } = await store.subjects.read(subject)
        return { subject, generation, version, sealed: base64(sealed ?? null) }
      }),
    ),
    feed: (await store.feed.read(undefined, 1_000)).items.map((item) =>
      item.kind === 'event' ? { ...item, sealed: base64(item.sealed) } : item,
    ),
    revoked: cyd.session.id,
    used: 'golden nonce',
  }
  const cursor = await store.feed.head()
  const { formToken } = ada.session
  return {
    records,
    keyring: ring,
    tokens: {
      subject: { tenant: 'acme', name: 'bob', key: codec.subjectKey('acme', 'bob') },
      session: { token: newest, claims: factsIn(codec.authenticate(newest)) },
      refresh: {
        token: refreshed.refreshToken ?? '',
        claims: factsIn(codec.authenticate(refreshed.refreshToken ?? '')),
      },
      formToken: { session: ada.session.id, token: formToken },
      challenge: begun.challenge,
      ticket: ticketOf(begun, host),
      heldForm: await heldFormOf(ada.session.id, formToken, host),
      feedCursor: { cursor, positions: decodeCursor(cursor) },
      access: {
        issuer: ISSUER,
        audience: AUDIENCE,
        token: refreshed.accessToken,
        jwks: publicKeySet(signing, { host: { now: () => START } }),
        claims: claimsOf(refreshed.accessToken),
      },
    },
  }
}

type Login = Parameters<Sessions['create']>[0]

async function logIn(
  sessions: Sessions,
  login: Omit<Login, 'request'> & { readonly request?: RequestFacts },
): Promise<Created & { readonly ok: true }> {
  const created = await sessions.create({ request: atHome(), factors: ['otp'], ...login })
  if (!created.ok) throw new Error(`login refused: ${created.code}`)
  return created
}

/** The token that the client holds after a request whose answer can bring one. */
async function present(sessions: Sessions, token: string, request: RequestFacts): Promise<string> {
  const verification = await sessions.verify({ token, request, deliverable: true })
  if (!verification.ok) throw new Error(`refused: ${verification.code}`)
  return verification.token ?? token
}

async function recordOf(store: Store, id: string): Promise<GoldenSession> {
  const found = await store.entries.read(id)
  if (found === undefined) throw new Error('a session is missing')
  const { version, generation, createdAt, deadline, idleMs, sealed, attributes } = found
  return {
    id,
    version,
    generation,
    createdAt,
    deadline,
    idleMs,
    sealed: base64(sealed),
    attributes:
      attributes === undefined
        ? null
        : { version: attributes.version, sealed: base64(attributes.sealed) },
  }
}

function ticketOf(
  { subject, tenant, challenge, expiresAt }: Parameters<ReturnType<typeof tickets>['issue']>[0],
  host: FakeHost,
): GoldenTokens['ticket'] {
  const begun = { subject, tenant, challenge, expiresAt }
  return { text: tickets({ key: TICKET_KEY, host }).issue(begun), begun }
}

async function heldFormOf(
  session: string,
  formToken: string,
  host: FakeHost,
): Promise<GoldenTokens['heldForm']> {
  let sealed = ''
  const forms = heldForms({
    host,
    store: {
      put: async (_id, form) => {
        sealed = base64(form)
      },
      take: async () => undefined,
    },
  })
  const form = {
    action: '/transfer?step=2',
    fields: [
      ['amount', '20'],
      ['form', formToken],
    ],
  } as const
  const held = await forms.hold(form, { session, cookies: undefined })
  if (held === undefined) throw new Error('the form was not held')
  const [cookies = ''] = held.setCookie.split(';')
  return { id: held.id, session, cookies, sealed, form }
}

/** What a token says, by name: what claims are made of inside is no promise. */
function factsIn(claims: Claims | string): unknown {
  if (typeof claims === 'string') throw new Error(`a token was refused: ${claims}`)
  const { session, kind, keyId, family, generation, digest, descent } = claims
  const { mintedAt, parent, grandparent } = descent ?? {}
  const from = { mintedAt, parent, grandparent }
  return { session, kind, keyId, family, generation, digest, descent: from }
}

function claimsOf(jwt: string): unknown {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
}

/** A ring with one key, and with two after `rotate`. Its keys are readable text. */
function growingRing(host: FakeHost): Keyring & { rotate(): void } {
  const key = (id: string, name: string): RingKey => ({
    id,
    createdAt: host.now(),
    secret: createSecretKey(fixedBytes(name)),
  })
  let keys = [key('7e570001', 'TEST KEY ONE, NOT A SECRET')]
  return {
    index: createSecretKey(fixedBytes('TEST INDEX KEY, NOT A SECRET')),
    get keys() {
      return keys
    },
    get current() {
      return keys.at(-1)?.id ?? ''
    },
    rotate() {
      keys = [...keys, key('7e570002', 'TEST KEY TWO, NOT A SECRET')]
    },
  }
}

function testSigningKeys(): SigningKeys {
  const signingKey = (
    algorithm: SigningAlgorithm,
    state: SigningKeyState,
    privateKey: KeyObject,
  ): SigningKeys['keys'][number] => ({
    kid: kidOf(createPublicKey(privateKey)),
    algorithm,
    state,
    createdAt: START,
    since: START,
    publicKey: createPublicKey(privateKey),
    privateKey,
  })
  return {
    keys: [
      signingKey('EdDSA', 'active', ed25519('TEST SIGNING KEY, NOT A SECRET')),
      signingKey('EdDSA', 'next', ed25519('TEST NEXT KEY, NOT A SECRET')),
      signingKey('ES256', 'retired', p256('TEST OLD KEY, NOT A SECRET')),
    ],
  }
}

/** The PKCS #8 form of an Ed25519 key is this and its 32 bytes (RFC 8410, section 7). */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

function ed25519(name: string): KeyObject {
  const key = Buffer.concat([ED25519_PKCS8, fixedBytes(name)])
  return createPrivateKey({ key, type: 'pkcs8', format: 'der' })
}

function p256(name: string): KeyObject {
  const curve = createECDH('prime256v1')
  const d = fixedBytes(name)
  curve.setPrivateKey(d)
  const point = curve.getPublicKey()
  const text = (part: Buffer): string => part.toString('base64url')
  const [x, y] = [text(point.subarray(1, 33)), text(point.subarray(33))]
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d: text(d), x, y }, format: 'jwk' })
}

/** 32 bytes that anybody can read. */
function fixedBytes(name: string): Buffer {
  return Buffer.from(name.padEnd(32, '.'))
}
