import {
  createSessions,
  type LocalCopiesOptions,
  type Lookup,
  newKeyring,
  type RequestFacts,
  type Sessions,
  type Store,
  systemHost,
} from 'holdfast'
import { geoLookup } from 'holdfast/network'
import { ATTRIBUTES, expectUser, REQUEST, requestFrom, userOf } from '../facts.ts'
import { addressAt, type GeoFiles, type PlaceName } from '../places.ts'
import { inTurns } from '../rounds.ts'
import { unsealsDuring } from '../unseals.ts'
import { type WorkingSet, walkThrough } from '../working-sets.ts'

/** Who moves and comes back later than this is where he was, not in two places. */
const STAY_MS = 30 * 60_000

/** Each session is written down once in this time while it is used. */
const TOUCHED_EVERY_MS = 120_000

/** Pace of all sessions together: a thousand requests a second, by their clock. */
const REQUEST_MS = 1

/**
 * Sessions as in a real installation: each with an address of its own, geo data, attributes, and
 * three contexts in one town. They are at home again, and have been used one after another.
 */
export interface Estate {
  readonly sessions: Sessions
  /** One request of the next session of the walk. Throws when the answer is wrong. */
  use(look?: (session: Used) => void): Promise<void>
  /** As `use`, all sessions from another network than the last time. */
  move(): Promise<void>
  readonly set: WorkingSet
}

/** What a handler gets of a session. */
export type Used = Extract<Awaited<ReturnType<Sessions['verify']>>, { ok: true }>['session']

export interface EstateOptions {
  readonly store: (now: () => number) => Store
  readonly set: WorkingSet
  readonly geo: GeoFiles
  readonly attributes?: boolean
  /** Where its users were before they came home again. */
  readonly away?: readonly PlaceName[]
  readonly localCopies?: LocalCopiesOptions
  /** Secrets become due as shipped. What that costs is a row of its own, so default is not. */
  readonly rotates?: boolean
  /** The clock goes by the requests, or on its own: the heartbeats of the feed go by that. */
  readonly clock?: 'of requests' | 'of the machine'
}

export async function estateOn({
  store,
  set,
  geo,
  attributes = true,
  away = ['office', 'mobile'],
  localCopies,
  rotates = false,
  clock = 'of requests',
}: EstateOptions): Promise<Estate> {
  let ahead = 0
  const started = Date.now()
  const machine = clock === 'of the machine'
  const now = (): number => Math.floor((machine ? Date.now() : started) + ahead)
  const sessions = createSessions({
    store: store(now),
    keyring: newKeyring(),
    host: { ...systemHost(), now },
    lookup: lookupIn(geo),
    localCopies: localCopies ?? false,
    ...(rotates ? {} : { rotateEvery: '1d' }),
    ...(set.cacheBytes === undefined ? {} : { cacheBytes: set.cacheBytes }),
  })
  const walk = walkThrough(set)
  const usual = addresses(set, 'home')
  const office = addresses(set, 'office')
  const other = Array.from(usual, (_, turn) => addressAt(turn, 'home', 99))

  /** As a browser does, it goes on with the successor that an answer brings. */
  async function present(
    turn: number,
    request: RequestFacts,
    { deliverable }: { readonly deliverable: boolean },
  ): Promise<Used> {
    const answer = await sessions.verify({ token: tokens[turn] ?? '', request, deliverable })
    if (!answer.ok) throw new Error(`A verification was refused: ${answer.code}`)
    expectUser(answer.session.subject, userOf(turn))
    if (answer.token !== undefined) tokens[turn] = answer.token
    return answer.session
  }

  const tokens: string[] = []
  await inTurns(set.sessions, async (turn) => {
    tokens[turn] = await login(sessions, userOf(turn), {
      ip: usual[turn] ?? '',
      attributes: attributes ? ATTRIBUTES : null,
    })
  })
  const visit = (all: readonly string[], gapMs = 0): Promise<unknown> =>
    inTurns(set.sessions, (turn) => {
      ahead += gapMs
      return present(turn, requestFrom(all[turn] ?? ''), { deliverable: true })
    })
  for (const place of away) {
    ahead += STAY_MS
    await visit(addresses(set, place))
  }
  ahead += STAY_MS
  // What each session writes down from time to time does not fall together.
  await visit(usual, TOUCHED_EVERY_MS / set.sessions)
  await expectContexts(sessions, 1 + away.length)
  await refusesForgery(sessions, tokens[0] ?? '')
  await refusesEnded(sessions)

  return {
    sessions,
    set,
    async use(look) {
      if (!machine) ahead += REQUEST_MS
      const turn = walk.next()
      const ips = walk.isElsewhere() ? other : usual
      // What a rotation costs is a row of its own.
      const request = requestFrom(ips[turn] ?? '')
      const used = await present(turn, request, { deliverable: false })
      look?.(used)
    },
    async move() {
      // Between two moves of a session more than a minute passes.
      ahead += (61_000 * 2) / set.sessions
      const turn = walk.next()
      const ips = walk.laps() % 2 === 0 ? office : usual
      await present(turn, requestFrom(ips[turn] ?? ''), { deliverable: true })
    },
  }
}

/** Sessions that the process remembers are one row, those that it opens each time another. */
export async function expectOpened({ use, set }: Estate): Promise<void> {
  const lap = (): Promise<unknown> => inTurns(set.sessions, () => use())
  await lap()
  const opened = await unsealsDuring(lap)
  const wanted = set.cacheBytes === 0
  const isSo = wanted ? opened >= set.sessions : opened < set.sessions * 0.05
  if (!isSo) throw new Error(`${opened} of ${set.sessions} records were opened.`)
}

/** A session of a user, made as an application makes it. */
export async function login(
  sessions: Sessions,
  user: string,
  {
    ip = REQUEST.ip,
    attributes = ATTRIBUTES,
  }: { readonly ip?: string | null; readonly attributes?: typeof ATTRIBUTES | null } = {},
): Promise<string> {
  const created = await sessions.create({
    subject: user,
    request: requestFrom(ip),
    amr: ['pwd'],
    factors: ['otp'],
    ...(attributes === null ? {} : { attributes }),
  })
  if (!created.ok) throw new Error(`A login was refused: ${created.code}`)
  return created.token
}

/** A well-formed token whose tag is wrong. */
export async function refusesForgery(sessions: Sessions, token: string): Promise<void> {
  const forged = `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`
  const answer = await sessions.verify({ token: forged, request: REQUEST })
  if (answer.ok || answer.code !== 'token_malformed')
    throw new Error('A forged token was accepted.')
}

async function refusesEnded(sessions: Sessions): Promise<void> {
  const token = await login(sessions, 'somebody who leaves')
  await sessions.logout(token)
  const answer = await sessions.verify({ token, request: REQUEST })
  if (answer.ok) throw new Error('A session was accepted after its logout.')
}

async function expectContexts(sessions: Sessions, count: number): Promise<void> {
  const { items } = await sessions.list({ subject: userOf(0) })
  const found = items[0]?.contexts.length
  if (found !== count) throw new Error(`A session has ${found} contexts, and not ${count}.`)
}

function addresses({ sessions }: WorkingSet, place: PlaceName): readonly string[] {
  return Array.from({ length: sessions }, (_, turn) => addressAt(turn, place))
}

const lookups = new Map<string, Lookup>()

/** One copy of the data in a process. */
export function lookupIn({ city, asn }: GeoFiles): Lookup {
  const known = lookups.get(city)
  if (known !== undefined) return known
  const { lookup } = geoLookup({
    city: [city],
    asn: [asn],
    onProblem: ({ message }) => {
      throw new Error(message)
    },
  })
  lookups.set(city, lookup)
  return lookup
}
