import type { ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { whyOf } from './contender.ts'
import type { JudgedGoal, PromisedGoal } from './goals.ts'
import { askOf, gateAskOf, presentedBy, VERIFY } from './http/asks.ts'
import type { Ask } from './http/load.ts'
import { API_KEY, type Place, type ServerWord, type Who } from './http/server.ts'
import {
  type Crowd,
  forgeryOf,
  SET_WORDS,
  type SetWord,
  type Visitor,
  WORKING,
} from './http/visitors.ts'
import {
  type Estate,
  type Lane,
  medianOf,
  openEstate,
  overOther,
  sharedMachine,
  takeTurns,
  warm,
} from './lanes.ts'
import { among } from './only.ts'
import type { Bench, Part } from './part.ts'
import { progress } from './progress.ts'
import { figure, times } from './table.ts'

const ROUNDS = 5
const ROUND_MS = 800
const BATCH = 32

/** `hot`: with local copies. `strict`: each verification reads Redis. */
const KINDS = ['hot', 'strict'] as const
const CALLS = ['single', 'batch', 'gate', 'connect'] as const

type Kind = (typeof KINDS)[number]
type Call = (typeof CALLS)[number]

interface ServiceLane extends Lane {
  readonly who: Who
  readonly kind: Kind
  readonly call: Call
}

/**
 * Measures verifications a second of the service on Redis, one and 32 in a request, beside a bare
 * server that takes and answers as many bytes as one does, and the floor behind such a server; then
 * an application whose sessions the service keeps.
 */
export const servicePart: Part = async (bench: Bench) => {
  const { only } = bench
  const sets = SET_WORDS.filter((set) => among(only, SET_WORDS, set))
  const estate = await openEstate(bench, { stores: ['Redis'], sets })
  if (estate.redis === undefined) {
    await estate.stop()
    return { goals: goalsOf([], { sets, why: 'no redis-server was found' }) }
  }
  const around: Around = { estate, sets, notes: [] }
  try {
    const lanes = [...(await lanesOf('bare', 'hot', around))]
    if (among(only, CALLS, 'connect')) lanes.push(await bareFastifyLane(estate))
    for (const kind of KINDS.filter((one) => among(only, KINDS, one))) {
      lanes.push(...(await lanesOf('floor', kind, around)))
      lanes.push(...(await lanesOf('ours', kind, around)))
    }
    const wanted = lanes.filter(
      ({ who, call }) => among(only, CALLS, call) || (who === 'bare' && call === 'single'),
    )
    await warm(estate, wanted)
    await takeTurns(estate, wanted, { what: 'service', rounds: ROUNDS, ms: ROUND_MS })
    return {
      tables: [
        {
          title:
            'Verifications a second of the service on Redis, 50 connections, over a bare ' +
            'node:http server that takes and answers as many bytes (batches: as much as one of ' +
            'them), and over the floor behind one. CPU of the process for one verification, that ' +
            'of Redis included.',
          head: HEAD,
          rows: wanted.map((lane) => [
            lane.name,
            medianOf(lane, 'perSecond').toFixed(0),
            ...overOthers(wanted, lane, 'perSecond'),
            medianOf(lane, 'micros'),
            ...overOthers(wanted, lane, 'micros'),
          ]),
          notes: [...around.notes, ...connectNotes(wanted), sharedMachine()],
          readme: true,
        },
      ],
      goals: goalsOf(wanted, { sets, why: around.notes.join('; ') }).filter(
        ({ measured }) => only.length === 0 || !Number.isNaN(measured),
      ),
    }
  } finally {
    await estate.stop()
  }
}

const HEAD = [
  '',
  'verifications/s',
  'over bare',
  'over the floor',
  'CPU µs',
  'over bare',
  'over the floor',
]

interface Around {
  readonly estate: Estate
  readonly sets: readonly SetWord[]
  /** What could not be measured, and why. */
  readonly notes: string[]
}

async function lanesOf(who: Who, kind: Kind, around: Around): Promise<readonly ServiceLane[]> {
  const { estate, sets, notes } = around
  const name = nameOf(who, kind)
  progress(`starting ${name}`)
  const { ground, keyring, size } = estate
  const place: Place = { who, kind: kind === 'hot' ? 'hot' : 'Redis', ground, keyring, size }
  const program = who === 'ours' ? './http/service.js' : './http/node.js'
  const { child, word } = await estate.start<ServerWord>(program, place)
  if (word.kind === 'absent') {
    notes.push(`not measured: ${name}: ${word.why}`)
    return []
  }
  if (word.kind !== 'ready') throw new Error(`${name}: ${whyOf(word)}`)
  const { port, gatePort = port } = word
  const questions = word.crowd ?? estate.crowds.Redis ?? ''
  const crowd: Crowd = JSON.parse(readFileSync(questions, 'utf8'))
  if (who !== 'bare') await refusesForgery(name, port, crowd)

  const onRedis = who === 'ours' || (who === 'floor' && kind === 'strict')
  const keep = (call: string, asks: readonly Ask[]): string => {
    const file = join(ground.folder, `${call}-${who}-${kind}.json`)
    writeFileSync(file, JSON.stringify(asks))
    return file
  }
  const lane = (
    call: Call,
    set: SetWord,
    asked: { readonly port: number; readonly questions: string },
  ): ServiceLane => ({
    ...asked,
    name:
      who === 'bare'
        ? `${CALLED[call]}: ${name}`
        : `${CALLED[call]}: ${name}, ${WORKING[set].name}`,
    who,
    kind,
    call,
    set,
    servers: [child],
    each: call === 'batch' ? BATCH : 1,
    onRedis,
    onCopies: who !== 'bare' && kind === 'hot',
    rounds: [],
  })

  const single = keep(
    'single',
    crowd.visitors.map((visitor) => askOf(crowd, [visitor])),
  )
  const lanes = (who === 'bare' ? BARE_SETS : sets).map((set) =>
    lane('single', set, { port, questions: single }),
  )
  if (who !== 'bare') {
    for (const set of sets) {
      const some = crowd.visitors.slice(0, WORKING[set].sessions)
      const batches = keep(`batch-${set}`, batchesOf(crowd, set === 'random' ? mixed(some) : some))
      lanes.push(lane('batch', set, { port, questions: batches }))
    }
  }
  if (who !== 'floor') {
    const gates = keep(
      'gate',
      crowd.visitors.map((visitor) => gateAskOf(crowd, visitor)),
    )
    lanes.push(lane('gate', 'turn', { port: gatePort, questions: gates }))
  }
  if (who !== 'ours') return lanes
  return [
    ...lanes,
    ...(await connectLanes(kind, { ...around, service: child, servicePort: port, questions })),
  ]
}

/** The bare server looks at nobody. */
const BARE_SETS: readonly SetWord[] = ['random']

/** The most that an application behind Fastify can serve, whoever verifies for it. */
async function bareFastifyLane({ start, ground, keyring, size }: Estate): Promise<ServiceLane> {
  const place: Place = { who: 'bare', kind: 'hot', ground, keyring, size }
  const { child, word } = await start<ServerWord>('./http/fastify.js', place)
  if (word.kind !== 'ready') throw new Error(`Fastify alone: ${whyOf(word)}`)
  const { port, crowd: questions = '' } = word
  const lane = { who: 'bare', kind: 'hot', call: 'connect', set: 'random' } as const
  const asked = { port, questions, servers: [child], each: 1, rounds: [] }
  return { ...lane, ...asked, onRedis: false, onCopies: false, name: 'Fastify alone' }
}

/** Fastify with `connect()`, and nothing but what the service tells of a session. */
async function connectLanes(
  kind: Kind,
  {
    estate,
    sets,
    service,
    servicePort,
    questions,
  }: Around & { service: ChildProcess; servicePort: number; questions: string },
): Promise<readonly ServiceLane[]> {
  const { child, word } = await estate.start<ServerWord>('./http/connected.js', { servicePort })
  if (word.kind !== 'ready') throw new Error(`connect(): ${whyOf(word)}`)
  const { port } = word
  return sets.map((set) => ({
    name: `${CALLED.connect}: ${nameOf('ours', kind)}, ${WORKING[set].name}`,
    who: 'ours',
    kind,
    call: 'connect',
    set,
    port,
    questions,
    servers: [child, service],
    each: 1,
    onRedis: true,
    onCopies: kind === 'hot',
    rounds: [],
  }))
}

const CALLED: Readonly<Record<Call, string>> = {
  single: VERIFY,
  batch: `${VERIFY}/batch, ${BATCH} at a time`,
  gate: 'forward-auth with an access token',
  connect: 'Fastify with connect(), and the service it asks',
}

function nameOf(who: Who, kind: Kind): string {
  if (who === 'bare') return 'node:http alone'
  return `${who === 'floor' ? 'the floor' : 'ours'}, ${kind === 'hot' ? 'local copies' : 'Redis'}`
}

/** The same visitors in an order of chance. */
function mixed(visitors: readonly Visitor[]): readonly Visitor[] {
  return visitors
    .map((visitor) => ({ visitor, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ visitor }) => visitor)
}

function batchesOf(crowd: Crowd, visitors: readonly Visitor[]): readonly Ask[] {
  return Array.from({ length: Math.floor(visitors.length / BATCH) }, (_, at) =>
    askOf(crowd, visitors.slice(at * BATCH, (at + 1) * BATCH)),
  )
}

async function refusesForgery(name: string, port: number, crowd: Crowd): Promise<void> {
  const { cookie = '', ip = '' } = crowd.visitors[0] ?? {}
  const ask = async (presented: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}${VERIFY}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
      body: presentedBy(presented, ip, crowd.headers),
    })
    return answer.text()
  }
  const [good, bad] = [await ask(cookie), await ask(forgeryOf(cookie))]
  if (!good.includes('"ok":true') || !bad.includes('"ok":false'))
    throw new Error(`${name} answered a token with ${good}, and a forged one with ${bad}.`)
}

function laneOf(
  lanes: readonly ServiceLane[],
  wanted: Pick<ServiceLane, 'who' | 'kind' | 'call' | 'set'>,
): ServiceLane | undefined {
  return lanes.find(
    ({ who, kind, call, set }) =>
      who === wanted.who && kind === wanted.kind && call === wanted.call && set === wanted.set,
  )
}

/** Those that it is measured beside: the bare server that does as much, and the floor. */
function besides(lanes: readonly ServiceLane[], lane: ServiceLane) {
  const call = lane.call === 'gate' ? 'gate' : 'single'
  return {
    bare: lanes.find((one) => one.who === 'bare' && one.call === call),
    floor: laneOf(lanes, { ...lane, who: 'floor' }),
  }
}

function overOthers(
  lanes: readonly ServiceLane[],
  lane: ServiceLane,
  what: 'perSecond' | 'micros',
): readonly [string, string] {
  const { bare, floor } = besides(lanes, lane)
  if (lane.who === 'bare' || lane.call === 'connect') return ['', '']
  const overFloor = lane.who === 'ours' && floor !== undefined
  return [times(overOther(lane, bare, what)), overFloor ? times(overOther(lane, floor, what)) : '']
}

/** Who counts what, and what the goal of `connect()` could be at most. */
function connectNotes(lanes: readonly ServiceLane[]): readonly string[] {
  const alone = lanes.find(({ who, call }) => who === 'bare' && call === 'connect')
  return lanes
    .filter(({ who, call }) => who === 'ours' && call === 'connect')
    .flatMap((lane) => {
      const batch = laneOf(lanes, { ...lane, call: 'batch' })
      if (batch === undefined) return []
      const [requests, verifications] = [lane, batch].map((one) =>
        figure(medianOf(one, 'perSecond')),
      )
      return (
        `${lane.name}: ${requests} requests/s, counted by the one who asks Fastify; Fastify and ` +
        `the service share the cores. In batches the service alone does ${verifications} ` +
        'verifications/s, counted by the one who asks it. CPU of a request over that of a ' +
        `verification: ${times(overOther(lane, batch, 'micros'))}. Requests/s over ` +
        `verifications/s: ${times(overOther(lane, batch, 'perSecond'))}; of Fastify alone, with ` +
        `an empty handler: ${times(overOther(alone, batch, 'perSecond'))}.`
      )
    })
}

interface GoalScope {
  readonly sets: readonly SetWord[]
  readonly why: string
}

function goalsOf(
  lanes: readonly ServiceLane[],
  { sets, why }: GoalScope,
): readonly (JudgedGoal | PromisedGoal)[] {
  const whyNot = why === '' ? {} : { why }
  const overFloor = (kind: Kind, call: Call, set: SetWord): JudgedGoal => {
    const which = { kind, call, set }
    const [ours, floor] = (['ours', 'floor'] as const).map((who) =>
      laneOf(lanes, { who, ...which }),
    )
    return {
      code: 'S6',
      what: `${CALLED[call]}, ${nameOf('ours', kind)}, ${WORKING[set].name}, over the floor's`,
      must: 0.75,
      moonshot: 0.9,
      measured: overOther(ours, floor, 'perSecond'),
      unit: 'x',
      ...whyNot,
    }
  }
  const overBatch = (kind: Kind, set: SetWord): JudgedGoal => {
    const [connect, batch] = (['connect', 'batch'] as const).map((call) =>
      laneOf(lanes, { who: 'ours', kind, call, set }),
    )
    return {
      code: 'S7',
      what:
        `requests/s of Fastify with connect(), ${nameOf('ours', kind)}, ${WORKING[set].name}, ` +
        `over ${CALLED.batch}`,
      must: 0.6,
      moonshot: 0.8,
      measured: overOther(connect, batch, 'perSecond'),
      unit: 'x',
      ...whyNot,
    }
  }
  const judged = sets.flatMap((set) => [
    overFloor('hot', 'single', set),
    overFloor('strict', 'single', set),
    overFloor('strict', 'batch', set),
    overBatch('strict', set),
  ])
  return [...judged, ...earlierGoals(lanes)]
}

const PROMISED = [
  { kind: 'hot', call: 'single', least: 1.15 },
  { kind: 'strict', call: 'single', least: 0.9 },
  { kind: 'strict', call: 'batch', least: 3 },
] as const

function earlierGoals(lanes: readonly ServiceLane[]): readonly PromisedGoal[] {
  return PROMISED.flatMap(({ kind, call, least }) => {
    const lane = laneOf(lanes, { who: 'ours', kind, call, set: 'turn' })
    if (lane === undefined) return []
    return {
      code: 'S',
      what: `${lane.name}, over bare node:http`,
      least,
      measured: overOther(lane, besides(lanes, lane).bare, 'perSecond'),
      unit: 'x',
    }
  })
}
