import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { whyOf } from '../contender.ts'
import { requestFrom } from '../facts.ts'
import type { JudgedGoal } from '../goals.ts'
import { askOf } from '../http/asks.ts'
import type { Ask } from '../http/load.ts'
import { API_KEY, type ServerWord } from '../http/server.ts'
import type { Crowd } from '../http/visitors.ts'
import { type Estate, type Lane, openEstate, sharedMachine, takeTurns, warm } from '../lanes.ts'
import type { Bench, Part } from '../part.ts'
import { addressAt } from '../places.ts'
import { progress } from '../progress.ts'
import { median, percentile } from '../rounds.ts'
import { type Cell, figure } from '../table.ts'
import type { AuditPlace } from './service.ts'

const ROUNDS = 25
const ROUND_MS = 400
/** Requests a second, where the time of an answer is measured. */
const PACE = 100
const LOGINS = 20_000

/** Those without the log come before and after: what differs between these two is chance. */
const KINDS = ['without the log', 'with the log', 'without it once more'] as const
type Kind = (typeof KINDS)[number]

/**
 * Measures verifications and logins of three services by turns, whose stores are copies of one,
 * and of which one writes an audit log.
 */
export const costPart: Part = async (bench: Bench) => {
  const estate = await openEstate(bench, { stores: ['LMDB'], sets: ['turn'] })
  try {
    const verifies: Lane[] = []
    const logins: Lane[] = []
    for (const kind of KINDS) {
      const [verify, login] = await lanesOf(kind, estate)
      verifies.push(verify)
      logins.push(login)
    }
    await warm(estate, verifies)
    await takeTurns(estate, verifies, { ...TURNS, what: 'verifications' })
    const paced = verifies.map((lane) => ({ ...lane, rounds: [] }))
    await takeTurns(estate, paced, { ...TURNS, perSecond: PACE, what: 'verifications, paced' })
    await takeTurns(estate, logins, { ...TURNS, what: 'logins' })
    return {
      tables: [
        {
          title:
            'What the audit log costs: CPU at full load, and the time until the answer at ' +
            `${PACE} requests a second. Medians of ${ROUNDS} rounds by turns, and quartiles of ` +
            'the ratios.',
          head: ['', 'CPU µs', 'over without', 'p50 ms', 'over without', 'p99 ms'],
          rows: [...rowsOf('a verification', verifies, paced), ...rowsOf('a login', logins)],
          notes: [
            'The event of a login is sealed, written to the store and copied to the log with an ' +
              'fsync, judged and indexed. A verification that changes nothing has no event.',
            sharedMachine(),
          ],
        },
      ],
      goals: goalsOf(verifies),
    }
  } finally {
    await estate.stop()
  }
}

const TURNS = { rounds: ROUNDS, ms: ROUND_MS }

async function lanesOf(kind: Kind, estate: Estate): Promise<readonly [Lane, Lane]> {
  progress(`starting a service ${kind}`)
  const { ground, keyring, crowds } = estate
  const name = `cost-${KINDS.indexOf(kind)}`
  const [store, audit] = [join(ground.folder, name), join(ground.folder, `${name}-audit`)]
  cpSync(join(ground.folder, 'estate'), store, { recursive: true })
  const place: AuditPlace = { folder: ground.folder, store, keyring }
  const { child, word } = await estate.start<ServerWord>(
    './audit/service.js',
    kind === 'with the log' ? { ...place, audit } : place,
  )
  if (word.kind !== 'ready') throw new Error(whyOf(word))
  const crowd: Crowd = JSON.parse(readFileSync(crowds.LMDB ?? '', 'utf8'))
  const lane = (what: string, asks: readonly Ask[]): Lane => {
    const questions = join(ground.folder, `${name}-${what}.json`)
    writeFileSync(questions, JSON.stringify(asks))
    const measured = {
      set: what === 'login' ? 'random' : 'turn',
      each: 1,
      onRedis: false,
      onCopies: false,
    } as const
    return { ...measured, name: kind, servers: [child], port: word.port, questions, rounds: [] }
  }
  return [
    lane(
      'verify',
      crowd.visitors.map((visitor) => askOf(crowd, [visitor])),
    ),
    lane(
      'login',
      Array.from({ length: LOGINS }, (_, turn) => loginAs(turn)),
    ),
  ]
}

function loginAs(turn: number): Ask {
  const request = requestFrom(addressAt(turn, 'home'))
  const body = JSON.stringify({ subject: `somebody-${turn}`, amr: ['pwd'], request })
  const lines = [
    'POST /v1/sessions HTTP/1.1',
    'host: service.example',
    `authorization: Bearer ${API_KEY}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  return { request: `${lines.join('\r\n')}\r\n\r\n${body}`, expected: ['"token":"hf1.'] }
}

type Of = (round: Lane['rounds'][number]) => number

const micros: Of = (round) => round.micros
const p50: Of = ({ latencies }) => percentile(latencies, 0.5)

/** Of each round over the mean of its neighbours without the log, ascending. */
function overWithout([before, withLog, after]: readonly Lane[], of: Of): readonly number[] {
  return ratios(withLog, (at) => (valueAt(before, at, of) + valueAt(after, at, of)) / 2, of)
}

/** Of the rounds without the log over one another. */
function overItself([before, , after]: readonly Lane[], of: Of): readonly number[] {
  return ratios(after, (at) => valueAt(before, at, of), of)
}

function ratios(lane: Lane | undefined, base: (at: number) => number, of: Of): readonly number[] {
  return (lane?.rounds ?? []).map((round, at) => of(round) / base(at)).toSorted((a, b) => a - b)
}

function valueAt(lane: Lane | undefined, at: number, of: Of): number {
  const round = lane?.rounds[at]
  return round === undefined ? Number.NaN : of(round)
}

function rowsOf(
  what: string,
  full: readonly Lane[],
  paced: readonly Lane[] = [],
): readonly (readonly Cell[])[] {
  const over = [() => [], overWithout, overItself] as const
  return full.map((lane, at): readonly Cell[] => {
    const answers = paced[at]?.rounds ?? []
    const all = answers.flatMap(({ latencies }) => latencies).toSorted((a, b) => a - b)
    return [
      `${what} ${lane.name}`,
      median(lane.rounds.map(micros)),
      spread(over[at]?.(full, micros)),
      median(answers.map(p50)),
      spread(over[at]?.(paced, p50)),
      percentile(all, 0.99),
    ]
  })
}

function spread(sorted: readonly number[] = []): string {
  if (sorted.length === 0) return ''
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => figure(percentile(sorted, share)))
  return `${middle}x (${low} to ${high})`
}

function goalsOf(verifies: readonly Lane[]): readonly JudgedGoal[] {
  return [
    {
      ...{ code: 'A', what: 'CPU of a verification with the audit log, over one without it' },
      ...{ must: 1.05, moonshot: 1.01, unit: 'x', measured: median(overWithout(verifies, micros)) },
    },
  ]
}
