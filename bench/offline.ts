import { randomBytes } from 'node:crypto'
import {
  accessTokens,
  keySet,
  newSigningKeys,
  publicKeySet,
  type Verifier,
  verifier,
} from 'holdfast/tokens'
import { importJWK, jwtVerify } from 'jose'
import { expectUser, userOf } from './facts.ts'
import type { Part } from './part.ts'
import { progress } from './progress.ts'
import { inTurns, median, type Row, round, warmUp } from './rounds.ts'
import { figure, times } from './table.ts'
import { AT_RANDOM, rowOn, walkThrough } from './working-sets.ts'

const ISSUER = 'https://auth.example'
const AUDIENCE = 'orders'
/** More tokens than a verifier remembers: used in rotation, none is found there. */
const TOKENS = 50_000
const ROUNDS = 5
const ROUND_MS = 800

const JOSE = 'jose jwtVerify, EdDSA'
const DISTINCT = 'ours, each token for the first time'
const REPEATED = rowOn('ours, tokens that came before', AT_RANDOM)

/** Measures the verification of an access token offline, and the same with jose alone. */
export const offlinePart: Part = async () => {
  progress('signing tokens')
  const rows = await offlineRows()
  progress('warming up')
  for (const { run } of rows) {
    await warmUp(async () => (await round(run, { ms: 100 })).runs, { mostMs: 3_000 })
  }
  const micros = new Map(rows.map(({ name }) => [name, [] as number[]]))
  for (let turn = 0; turn < ROUNDS; turn++) {
    progress(`round ${turn + 1} of ${ROUNDS}`)
    for (const { name, run } of rows) {
      const { runs, micros: spent } = await round(run, { ms: ROUND_MS })
      micros.get(name)?.push(spent / runs)
    }
  }
  const cost = (name: string): number => median(micros.get(name) ?? [])

  const over = (name: string): number => cost(JOSE) / cost(name)
  return {
    tables: [
      {
        title: 'Verifying access tokens offline, 64 in flight. CPU of all threads.',
        head: ['', 'CPU µs', 'a second of CPU', 'over jose'],
        rows: rows.map(({ name }) => [
          name,
          cost(name),
          figure(1_000_000 / cost(name)),
          times(over(name)),
        ]),
        readme: true,
      },
    ],
    goals: [
      // both spend nine tenths of it in the same Ed25519 of OpenSSL
      { code: 'T', what: DISTINCT, least: 1, measured: over(DISTINCT), unit: 'x' },
      { code: 'T', what: REPEATED, least: 10, measured: over(REPEATED), unit: 'x' },
    ],
  }
}

async function offlineRows(): Promise<readonly Row[]> {
  const at = Date.now()
  const now = (): number => at
  const signing = newSigningKeys()
  const issuer = accessTokens({ keys: signing, issuer: ISSUER, audiences: { [AUDIENCE]: {} } })
  const tokens = await inTurns(TOKENS, async (turn) => {
    const { token } = await issuer.issue({
      session: randomBytes(32).toString('base64url'),
      subject: userOf(turn),
      tenant: 'default',
      generation: 0,
      acr: 'urn:mfa',
      amr: ['pwd', 'otp'],
      authenticatedAt: at,
      sensitivity: 'normal',
      deadline: at + 3_600_000,
      audience: AUDIENCE,
      at,
    })
    return token
  })
  const published = publicKeySet(signing)
  const make = () => verifier({ issuer: ISSUER, audience: AUDIENCE, keys: keySet(published), now })
  const access = make()
  const warm = make()
  const jwk = published.keys[0]
  if (jwk === undefined) throw new Error('There is no key.')
  const key = await importJWK({ ...jwk }, 'EdDSA')
  const options = {
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ['EdDSA'],
    typ: 'at+jwt',
    currentDate: new Date(at),
  }
  const turns = { jose: 0, ours: 0 }
  const walk = walkThrough(AT_RANDOM)

  async function subjectOf(by: Verifier, token = ''): Promise<string> {
    const verified = await by.verify(token)
    return verified.ok ? verified.claims.sub : verified.reason
  }
  const accepted = await access.verify(`${tokens[0]?.slice(0, -8)}AAAAAAAA`)
  if (accepted.ok) throw new Error('A forged token was accepted.')

  await inTurns(AT_RANDOM.sessions, (turn) => warm.verify(tokens[turn] ?? ''))

  return [
    {
      name: JOSE,
      async run() {
        const turn = turns.jose++ % TOKENS
        const { payload } = await jwtVerify(tokens[turn] ?? '', key, options)
        expectUser(payload.sub, userOf(turn))
      },
    },
    {
      name: DISTINCT,
      async run() {
        const turn = turns.ours++ % TOKENS
        expectUser(await subjectOf(access, tokens[turn]), userOf(turn))
      },
    },
    {
      name: REPEATED,
      async run() {
        const turn = walk.next()
        expectUser(await subjectOf(warm, tokens[turn]), userOf(turn))
      },
    },
  ]
}
