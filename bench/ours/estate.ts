import {
  createSessions,
  type LocalCopiesOptions,
  newKeyring,
  type RequestFacts,
  type Sessions,
  type Store,
  systemHost,
} from 'holdfast'
import { expectUser, NEXT_STREET, REQUEST, SESSIONS, userOf } from '../facts.ts'
import { inTurns, type Row } from '../rounds.ts'

/** Opens one of a contender's stores, by a name of its own and with a clock. */
export type OpenStore = (name: string, now: () => number) => Store

/**
 * Who goes back and forth is written down once a minute: longer than that between two calls for one
 * session.
 */
const LAP_MS = 61_000

/** Logins apart: what sessions write down from time to time does not fall together. */
const LOGIN_GAP_MS = 120

/**
 * `unchanged`: the fast path, with the activity that it notes. `changed`: another network than the
 * last one at every call, so that all signals look and the record is written.
 */
export async function verifications(name: string, openStore: OpenStore): Promise<readonly Row[]> {
  // By the clock of those that are used, each session is used once a second, however long a round
  // has to wait.
  let used = Date.now()
  const paced = (): number => Math.floor(used)
  const still = await estateOn(openStore('still', paced), paced, {
    onLogin() {
      used += LOGIN_GAP_MS
    },
  })
  let calm = 0
  const stay = (): Promise<void> => {
    used += 1_000 / SESSIONS
    return passes(still, calm++ % SESSIONS, REQUEST)
  }

  let moves = 0
  const lap = (): number => Math.floor(moves / SESSIONS)
  const ahead = (): number => Date.now() + lap() * LAP_MS
  const moving = await estateOn(openStore('moving', ahead), ahead)

  function move(): Promise<void> {
    const from = lap() % 2 === 0 ? NEXT_STREET : REQUEST
    return passes(moving, moves++ % SESSIONS, from)
  }
  await refusesForgery(still)
  await refusesEnded(still)
  return [
    { name: `verify on ${name}, unchanged`, run: stay },
    { name: `verify on ${name}, changed`, run: move },
  ]
}

/** As `unchanged`, from local copies: by the real clock, which the feed's heartbeats go by. */
export async function hotVerification(store: Store): Promise<readonly Row[]> {
  const counted = { hit: 0, miss: 0 }
  const estate = await estateOn(store, Date.now, {
    localCopies: {
      onAsked: (state) => {
        counted[state]++
      },
    },
  })
  let turn = 0
  const next = (): Promise<void> => passes(estate, turn++ % SESSIONS, REQUEST)
  await refusesForgery(estate)
  await refusesEnded(estate)
  while (counted.hit === 0) await next()
  // Between the rounds its users go on: a lease of a few seconds would be over at the begin of
  // each.
  setInterval(() => inTurns(SESSIONS, next), 1_000).unref()
  return [{ name: 'verify on local copies, unchanged', run: next }]
}

/** Garbage, refused before any store is asked. */
export async function forgeries(store: Store): Promise<readonly Row[]> {
  const estate = await estateOn(store, Date.now)
  return [{ name: 'refuse a forged token', run: () => refusesForgery(estate) }]
}

interface Estate {
  readonly sessions: Sessions
  readonly tokens: readonly string[]
}

async function estateOn(
  store: Store,
  now: () => number,
  {
    onLogin = () => {},
    localCopies = false,
  }: { onLogin?: () => void; localCopies?: boolean | LocalCopiesOptions } = {},
): Promise<Estate> {
  const host = { ...systemHost(), now }
  const sessions = createSessions({ store, keyring: newKeyring(), host, localCopies })
  const tokens = await inTurns(SESSIONS, async (turn) => {
    onLogin()
    const token = await login(sessions, userOf(turn))
    // The first use of a token is written down; those that are measured are others.
    const first = await sessions.verify({ token, request: REQUEST })
    expectUser(first.ok ? first.session.subject : first.code, userOf(turn))
    return token
  })
  return { sessions, tokens }
}

/** A session of a user, made as an application makes it. */
export async function login(sessions: Sessions, user: string): Promise<string> {
  const created = await sessions.create({
    subject: user,
    request: REQUEST,
    amr: ['pwd'],
    factors: ['otp'],
  })
  if (!created.ok) throw new Error(`A login was refused: ${created.code}`)
  return created.token
}

async function passes(estate: Estate, turn: number, request: RequestFacts): Promise<void> {
  const answer = await estate.sessions.verify({ token: estate.tokens[turn] ?? '', request })
  if (!answer.ok) throw new Error(`A verification was refused: ${answer.code}`)
  expectUser(answer.session.subject, userOf(turn))
}

/** A well-formed token whose tag is wrong. */
async function refusesForgery({ sessions, tokens: [token = ''] }: Estate): Promise<void> {
  const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`
  const answer = await sessions.verify({ token: forged, request: REQUEST })
  if (answer.ok || answer.code !== 'token_malformed')
    throw new Error('A forged token was accepted.')
}

async function refusesEnded({ sessions }: Estate): Promise<void> {
  const token = await login(sessions, 'somebody who leaves')
  await sessions.logout(token)
  const answer = await sessions.verify({ token, request: REQUEST })
  if (answer.ok) throw new Error('A session was accepted after its logout.')
}
