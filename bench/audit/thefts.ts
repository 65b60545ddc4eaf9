import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { newKeyring } from 'holdfast'
import { formatKeyring } from 'holdfast/maintenance'
import { startProcess, stopProcess, whyOf, wordOf } from '../contender.ts'
import { requestFrom } from '../facts.ts'
import type { JudgedGoal } from '../goals.ts'
import type { ServerWord } from '../http/server.ts'
import { sharedMachine } from '../lanes.ts'
import type { Bench, Part, Results } from '../part.ts'
import { addressAt, writeGeoFiles } from '../places.ts'
import { progress } from '../progress.ts'
import { percentile } from '../rounds.ts'
import { figure } from '../table.ts'
import { call } from './call.ts'
import { watchLog } from './log-watch.ts'
import { type Heard, type Receiver, receiver } from './receiver.ts'
import type { AuditPlace } from './service.ts'
import { ordinaryTraffic } from './traffic.ts'
import { prepareVictims, type Victim } from './victims.ts'

const THEFTS = 200
const PACE = 150
const SETTLE_MS = 5_000
const GAP_MS = 150
const PATIENCE_MS = 60_000
/** Victims live in the first towns. */
const ELSEWHERE = 20_000

/**
 * Measures the time from the request of a thief to the request that a webhook receives, with a
 * service that has ordinary work meanwhile. Fails where a theft is not one incident.
 */
export const theftsPart: Part = async ({ folder }: Bench) => {
  await writeGeoFiles(folder)
  progress(`${THEFTS} sessions to steal`)
  const ring = newKeyring()
  const keyring = join(folder, 'thefts-keyring.json')
  writeFileSync(keyring, formatKeyring(ring), { mode: 0o600 })
  const store = join(folder, 'thefts-store')
  const victims = await prepareVictims(THEFTS, { folder, path: store, keyring: ring })
  const to = await receiver()
  const audit = join(folder, 'thefts-audit')
  const place: AuditPlace = { folder, store, keyring, audit, webhook: to.url }
  const child = startProcess('./audit/service.js', [JSON.stringify(place)])
  try {
    const word = await wordOf<ServerWord>(child)
    if (word.kind !== 'ready') throw new Error(whyOf(word))
    const url = `http://127.0.0.1:${word.port}`
    const traffic = await ordinaryTraffic(url, PACE)
    await wait(SETTLE_MS)
    progress(`${THEFTS} thefts beside ${PACE} requests a second`)
    const took = await stealAll({ url, audit, victims, to })
    const verified = await traffic.stop()
    // A second alert of a theft would have come by then.
    await wait(SETTLE_MS)
    await expectOneIncidentEach(url, { victims, heard: to.heard })
    return { tables: [tableOf(took, verified)], goals: goalsOf(took) }
  } finally {
    to.close()
    await stopProcess(child)
  }
}

/** ms from the request of each thief. */
interface Took {
  readonly answered: readonly number[]
  readonly logged: readonly number[]
  readonly heard: readonly number[]
}

async function stealAll({
  url,
  audit,
  victims,
  to,
}: {
  readonly url: string
  readonly audit: string
  readonly victims: readonly Victim[]
  readonly to: Receiver
}): Promise<Took> {
  const sent = new Map<string, number>()
  const answered = new Map<string, number>()
  const logged = new Map<string, number>()
  const log = watchLog(audit, (line) => {
    const session = /"session":"([\w-]+)"/.exec(line)?.[1] ?? ''
    if (sent.has(session) && !logged.has(session)) logged.set(session, performance.now())
  })
  try {
    await Promise.all(
      victims.map(async (victim, turn) => {
        await wait(turn * GAP_MS)
        sent.set(victim.session, performance.now())
        await steal(url, victim, turn)
        answered.set(victim.session, performance.now())
      }),
    )
    await untilHeard(to, victims)
  } finally {
    log.close()
  }
  const heard = new Map<string, number>()
  for (const { session, at } of to.heard.toReversed()) {
    if (session !== null && sent.has(session)) heard.set(session, at)
  }
  const since = (instants: ReadonlyMap<string, number>): readonly number[] =>
    [...instants].map(([session, at]) => at - (sent.get(session) ?? at)).toSorted((a, b) => a - b)
  return { answered: since(answered), logged: since(logged), heard: since(heard) }
}

/** The copy comes with the copy of the browser's headers, from another town. */
async function steal(url: string, { token, kind }: Victim, turn: number): Promise<void> {
  const request = requestFrom(addressAt(ELSEWHERE + turn, 'office'))
  const answer = await call(url, kind === 'fork' ? '/v1/verify' : '/v1/refresh', { token, request })
  if (answer.code === undefined) throw new Error(`A thief was let in (${kind}).`)
}

async function untilHeard(to: Receiver, victims: readonly Victim[]): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const sessions = new Set(to.heard.map(({ session }) => session))
    const missing = victims.filter(({ session }) => !sessions.has(session)).length
    if (missing === 0) return
    if (performance.now() > deadline) throw new Error(`${missing} thefts were never alerted.`)
    await wait(GAP_MS)
  }
}

async function expectOneIncidentEach(
  url: string,
  { victims, heard }: { readonly victims: readonly Victim[]; readonly heard: readonly Heard[] },
): Promise<void> {
  const incidents: (string | null)[] = []
  let after = ''
  do {
    const { items = [], next } = await call(url, `/v1/incidents?limit=100${after}`)
    incidents.push(...items.map(({ session }) => session))
    after = next === undefined ? '' : `&after=${next}`
  } while (after !== '')
  for (const { session, kind } of victims) {
    const count = incidents.filter((one) => one === session).length
    const alerts = new Set(heard.filter((one) => one.session === session).map(({ id }) => id)).size
    if (count !== 1 || alerts !== 1)
      throw new Error(`A theft (${kind}) has ${count} incidents, and ${alerts} alerts.`)
  }
}

function tableOf({ answered, logged, heard }: Took, verified: readonly number[]): Results {
  const stages: readonly (readonly [string, readonly number[]])[] = [
    ['the thief has his answer', answered],
    ['a line of it is in the log', logged],
    ['the receiver has the alert', heard],
  ]
  const p99 = figure(percentile(verified, 0.99))
  return {
    title:
      `${THEFTS} thefts, half of them by the copy of a cookie that was succeeded, half by a used ` +
      'refresh token: ms from the request of the thief until',
    head: ['', 'p50', 'p99', 'most'],
    rows: stages.map(([name, took]) => [
      name,
      ...[0.5, 0.99, 1].map((share) => percentile(took, share)),
    ]),
    notes: [
      'Each is one incident and one alert. Who looks at the log and who receives is one process.',
      `Beside ${PACE} ordinary requests a second: p50 ${figure(percentile(verified, 0.5))} ms, ` +
        `p99 ${p99} ms, of ${verified.length} verifications.`,
      sharedMachine(),
    ],
  }
}

function goalsOf({ heard }: Took): readonly JudgedGoal[] {
  return [
    {
      ...{ code: 'A', what: 'from the request of a thief to the webhook, p50' },
      ...{ must: 250, moonshot: 25, unit: ' ms', measured: percentile(heard, 0.5) },
    },
    {
      ...{ code: 'A', what: '... p99' },
      ...{ must: 1_000, moonshot: 100, unit: ' ms', measured: percentile(heard, 0.99) },
    },
  ]
}
