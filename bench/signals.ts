import { randomBytes } from 'node:crypto'
import {
  createSessions,
  type Lookup,
  newKeyring,
  type RequestFacts,
  type SessionState,
  type Sessions,
  type Signal,
  starterSignals,
} from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import type { Part } from './part.ts'
import { progress } from './progress.ts'
import { median, round, warmUp } from './rounds.ts'

const ROUNDS = 7
const ROUND_MS = 400
const UNCHANGED = 1_000
const TWO_MINUTES_MS = 120_000

/**
 * Presentations in which something changed, for a session that knows a second provider and a dozen
 * places.
 */
const CHANGES: Readonly<Record<string, Partial<RequestFacts>>> = {
  'another address of the provider': { ip: '192.0.3.77' },
  'another network of the country': { ip: '198.51.100.9' },
  'a data centre abroad, another browser': {
    ip: '203.0.113.66',
    headers: {
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0',
    },
    client: { screen: '1920x1080x1', timezone: 'UTC' },
  },
  'an updated browser': { headers: browser(157) },
  'a network on the other side of the earth': { ip: '192.88.99.7' },
}

const PLACES: Readonly<Record<string, ReturnType<Lookup>>> = {
  '192.0.2': { asn: 64500, kind: 'fixed', country: 'NO', latitude: 59.91, longitude: 10.75 },
  '192.0.3': { asn: 64500, kind: 'fixed', country: 'NO', latitude: 60, longitude: 11 },
  '198.51.100': { asn: 64501, kind: 'mobile', country: 'NO', latitude: 60.39, longitude: 5.32 },
  '203.0.113': { asn: 64510, kind: 'hosting', country: 'NL', latitude: 52.37, longitude: 4.9 },
  '192.88.99': { asn: 64520, kind: 'fixed', country: 'JP', latitude: 35.68, longitude: 139.69 },
}
const lookup: Lookup = (address) => {
  const prefix = address.split('.').slice(0, 3).join('.')
  const [, line] = /^198\.18\.(\d+)$/.exec(prefix) ?? []
  if (line === undefined) return PLACES[prefix]
  return {
    asn: 65_000 + Number(line),
    kind: 'fixed',
    country: 'NO',
    latitude: 59.9,
    longitude: 10.8,
  }
}

function browser(major: number): RequestFacts['headers'] {
  return {
    'user-agent':
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like ' +
      `Gecko) Chrome/${major}.0.0.0 Safari/537.36`,
    'accept-language': 'nb-NO,nb;q=0.9,en;q=0.8',
  }
}

function request(changes: Partial<RequestFacts> = {}): RequestFacts {
  return {
    ip: '192.0.2.10',
    method: 'GET',
    url: '/account',
    headers: browser(156),
    client: { screen: '2560x1440x1', timezone: 'Europe/Oslo' },
    ...changes,
  }
}

type Looked = Parameters<Signal>

/**
 * Measures all signals together where something changed, and checks that none is asked where
 * nothing changed.
 */
export const signalsPart: Part = async () => {
  progress('making a past')
  const looked: Looked[] = []
  const watching: Signal = (...all) => {
    looked.push(all)
    return []
  }
  // A change of place within a millisecond would look like infeasible travel.
  let ahead = 0
  const now = (): number => Date.now() + ahead
  const sessions = createSessions({
    store: memoryStore({ now }),
    host: { now, random: (size) => randomBytes(size) },
    keyring: newKeyring(),
    lookup,
    signals: [...starterSignals(), watching],
  })
  const token = await livedIn(sessions, () => {
    ahead += TWO_MINUTES_MS
  })

  looked.length = 0
  for (let i = 0; i < UNCHANGED; i++) {
    const answer = await sessions.verify({ token, request: request() })
    if (!answer.ok) throw new Error(`an unchanged presentation was refused: ${answer.code}`)
  }
  const asked = looked.length

  const changed = new Map<string, Looked>()
  for (const [name, change] of Object.entries(CHANGES)) {
    looked.length = 0
    await sessions.verify({ token, request: request(change) })
    const [first] = looked
    if (first === undefined) throw new Error(`no signal looked at ${name}`)
    changed.set(name, first)
  }

  const signals = starterSignals()
  const micros = new Map<string, number[]>([...changed.keys()].map((name) => [name, []]))
  for (const all of changed.values()) {
    await warmUp(async () => (await round(() => look(signals, all), { ms: 50 })).runs, {
      mostMs: 2_000,
    })
  }
  for (let turn = 0; turn < ROUNDS; turn++) {
    progress(`round ${turn + 1} of ${ROUNDS}`)
    for (const [name, all] of changed) {
      const { runs, micros: spent } = await round(() => look(signals, all), { ms: ROUND_MS })
      micros.get(name)?.push(spent / runs)
    }
  }
  const cost = (name: string): number => median(micros.get(name) ?? [])
  const contexts = ([{ contexts }]: readonly [SessionState, ...unknown[]]): string =>
    String(contexts.length)

  return {
    tables: [
      {
        title:
          `All ${signals.length} signals together, once, where something changed. CPU of all ` +
          'threads.',
        head: ['', 'CPU µs', 'contexts'],
        rows: [...changed].map(([name, all]) => [name, cost(name), contexts(all)]),
        notes: [`asked at ${UNCHANGED} unchanged presentations: ${asked} times`],
      },
    ],
    goals: [
      {
        code: 'S1',
        what: 'all signals, the dearest change',
        most: 30,
        measured: Math.max(...[...changed.keys()].map(cost)),
        unit: ' µs',
      },
      { code: 'S2', what: 'signals asked where nothing changed', most: 0, measured: asked },
    ],
  }
}

/** A session that knows a dozen places, of a subject with a history of many. */
async function livedIn(sessions: Sessions, pause: () => void): Promise<string> {
  let token = ''
  for (let login = 0; login < 12; login++) {
    const created = await sessions.create({
      subject: 'ada',
      factors: ['otp'],
      amr: ['pwd', 'otp'],
      request: request({ ip: login === 11 ? '192.0.2.10' : `198.18.${login}.7` }),
    })
    if (!created.ok) throw new Error(`a login was refused: ${created.code}`)
    token = created.token
  }
  for (let place = 0; place < 11; place++) {
    pause()
    await sessions.verify({ token, request: request({ ip: `198.18.${place}.7` }) })
  }
  pause()
  await sessions.verify({ token, request: request() })
  return token
}

function look(signals: readonly Signal[], all: Looked): number {
  let found = 0
  for (const signal of signals) found += signal(...all).length
  return found
}
