import { createSessions, newKeyring, type Sessions, systemHost } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { REQUEST } from '../facts.ts'
import { type Share, shareOfCounts } from './summary.ts'

/** How somebody uses a site, and what else writes to the cookie jar. Times in ms. */
interface Visiting {
  readonly name: string
  /** Between requests, on average; each can carry a cookie. */
  readonly requestEveryMs: number
  /** Between sensitive calls, on average; each rotates first. */
  readonly sensitiveEveryMs: number | null
  /** Other sites' cookies keep the commit clock running. */
  readonly busyJar: boolean
  /** From the kill to the next request. */
  readonly awayMs: readonly [from: number, to: number]
}

const SECOND = 1_000
const MINUTE = 60 * SECOND

const VISITS: readonly Visiting[] = [
  visiting('a page every 20 s, quiet cookie jar', { requestEveryMs: 20 * SECOND }),
  visiting('a page every 20 s, busy cookie jar', { requestEveryMs: 20 * SECOND, busyJar: true }),
  visiting('a call every 2 s, quiet cookie jar', { requestEveryMs: 2 * SECOND }),
  visiting('a call every 2 s, busy cookie jar', { requestEveryMs: 2 * SECOND, busyJar: true }),
  visiting('... and saves every minute, quiet cookie jar', { sensitiveEveryMs: MINUTE }),
  visiting('... and saves every minute, busy cookie jar', {
    sensitiveEveryMs: MINUTE,
    busyJar: true,
  }),
  visiting('a call every 2 s, back after an hour', { awayMs: [60 * MINUTE, 100 * MINUTE] }),
]

function visiting(name: string, of: Partial<Visiting>): Visiting {
  return {
    name,
    requestEveryMs: 2 * SECOND,
    sensitiveEveryMs: null,
    busyJar: false,
    awayMs: [3 * SECOND, 30 * SECOND],
    ...of,
  }
}

export interface Consequence {
  readonly name: string
  readonly kills: number
  /** The cookie jar had committed everything. */
  readonly nothing: number
  /** The cookie jar was rolled back, and nobody was asked for a factor. */
  readonly harmless: number
  /** The rolled-back cookie jar was taken for a second holder. */
  readonly fork: Share
}

const KILLS = 1_000
const COMMIT_MS = 30 * SECOND
const LOGIN_TO_KILL_MS = 15 * MINUTE
const AFTERWARDS_MS = 10 * MINUTE

/**
 * Runs the engine with a simulated clock and a cookie jar that commits as Chromium's does.
 */
export async function consequences(random: () => number): Promise<readonly Consequence[]> {
  const all: Consequence[] = []
  for (const visit of VISITS) {
    const counts = { nothing: 0, harmless: 0, fork: 0 }
    for (let i = 0; i < KILLS; i++) counts[await killed(visit, random)]++
    const { nothing, harmless, fork } = counts
    all.push({
      name: visit.name,
      kills: KILLS,
      nothing,
      harmless,
      fork: shareOfCounts(fork, KILLS),
    })
  }
  return all
}

async function killed(
  visit: Visiting,
  random: () => number,
): Promise<'nothing' | 'harmless' | 'fork'> {
  let now = 1_800_000_000_000
  const clock = (): number => Math.floor(now)
  const sessions = createSessions({
    store: memoryStore({ now: clock }),
    keyring: newKeyring(),
    host: { ...systemHost(), now: clock },
  })
  const login = { subject: 'user-1', factors: ['otp'], request: REQUEST }
  const cookieJar = createCookieJar(visit, now, random)
  const created = await sessions.create(login)
  if (!created.ok) throw new Error(`no session: ${created.code}`)
  cookieJar.set(created.token, now)

  const killedAt = now + LOGIN_TO_KILL_MS + random() * 5 * MINUTE
  const use = async (until: number): Promise<boolean> => {
    for (;;) {
      now += exponential(visit.requestEveryMs, random)
      if (now > until) return true
      const { sensitiveEveryMs: every } = visit
      const sensitive = every !== null && random() < visit.requestEveryMs / every
      if (!(await shown(sessions, cookieJar, { now, sensitive }))) return false
    }
  }
  if (!(await use(killedAt))) throw new Error('a visit that nothing happened to was refused')
  now = killedAt
  if (!cookieJar.rollBack(now)) return 'nothing'
  const [from, to] = visit.awayMs
  now += from + random() * (to - from)
  return (await use(now + AFTERWARDS_MS)) ? 'harmless' : 'fork'
}

async function shown(
  sessions: Sessions,
  cookieJar: CookieJar,
  { now, sensitive }: { readonly now: number; readonly sensitive: boolean },
): Promise<boolean> {
  const answer = await sessions.verify({
    token: cookieJar.token(),
    request: REQUEST,
    deliverable: true,
    sensitivity: sensitive ? 'sensitive' : 'normal',
  })
  if (answer.ok && answer.token !== undefined) cookieJar.set(answer.token, now)
  return answer.ok
}

interface CookieJar {
  token(): string
  set(token: string, at: number): void
  /** Goes back to what was committed. False where nothing was lost. */
  rollBack(at: number): boolean
}

function createCookieJar({ busyJar }: Visiting, start: number, random: () => number): CookieJar {
  // A busy cookie jar commits every 30 s, because other sites write to it.
  const phase = start - random() * COMMIT_MS
  let committed = ''
  let current = ''
  let due = Number.POSITIVE_INFINITY

  function commit(at: number): void {
    if (at >= due) {
      committed = current
      due = Number.POSITIVE_INFINITY
    }
  }

  return {
    token: () => current,
    set(token, at) {
      commit(at)
      if (committed === '') committed = token
      current = token
      if (due !== Number.POSITIVE_INFINITY) return
      const sincePhase = (at - phase) % COMMIT_MS
      due = at + (busyJar ? COMMIT_MS - sincePhase : COMMIT_MS)
    },
    rollBack(at) {
      commit(at)
      const lost = current !== committed
      current = committed
      due = Number.POSITIVE_INFINITY
      return lost
    },
  }
}

function exponential(mean: number, random: () => number): number {
  return -mean * Math.log(1 - random())
}
