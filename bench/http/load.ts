import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { type Walk, walkThrough } from '../working-sets.ts'
import { besideOf, type Crowd, type SetWord, type Visitor, WORKING } from './visitors.ts'

/** Whom to ask, as whom, and for how long. */
export interface LoadOrder {
  readonly port: number
  /** File of a crowd, or of whole requests with what their answers say. */
  readonly questions: string
  readonly set: SetWord
  readonly ms: number
  /** An open loop: so many requests a second, whether or not answers come. */
  readonly perSecond?: number
}

/** A whole request, in latin1, and what its answer says, in this order. */
export interface Ask {
  readonly request: string
  readonly expected: readonly string[]
  /** The client's addresses in it, where one request in ten comes from another one. */
  readonly ips?: readonly string[]
}

export type LoadWord =
  | {
      readonly kind: 'answered'
      readonly answers: number
      readonly ms: number
      /** ms from when a request was due, so that waiting counts. Of open loops alone. */
      readonly latencies: readonly number[]
    }
  | { readonly kind: 'failed'; readonly why: string }

const CONNECTIONS = 50
const MOST_BYTES = 262_144
const URL = '/orders'

/** A timer is late by up to this much, ms: the rest is waited for in turns of the event loop. */
const TIMER_SLACK_MS = 2

/**
 * A process of its own, so that the server's CPU is the server's. Bare sockets: a client must cost
 * less than what it asks.
 */
process.on('disconnect', () => process.exit())
process.on('message', (order: LoadOrder) => {
  const loading = order.perSecond === undefined ? closedLoop(order) : openLoop(order)
  loading.then(say, (error: Error) => say({ kind: 'failed', why: error.message }))
})
say({ kind: 'answered', answers: 0, ms: 0, latencies: [] })

/** 50 kept connections, one request at a time on each, another session with every request. */
async function closedLoop({ ms, ...order }: LoadOrder): Promise<LoadWord> {
  const next = asker(order)
  const started = performance.now()
  let answers = 0
  async function use(connection: Connection): Promise<void> {
    while (performance.now() - started < ms) {
      await connection.ask(next())
      answers++
    }
  }
  await withConnections(order.port, (connections) => Promise.all(connections.map(use)))
  return { kind: 'answered', answers, ms: performance.now() - started, latencies: [] }
}

/** Requests are due at even distances. One that finds no free connection waits, and counts that. */
async function openLoop({ ms, perSecond = 1, ...order }: LoadOrder): Promise<LoadWord> {
  const next = asker(order)
  const latencies: number[] = []
  const apart = 1_000 / perSecond
  const count = Math.floor(ms / apart)
  const started = performance.now() + apart
  await withConnections(order.port, async (connections) => {
    const free = [...connections]
    const waiting: number[] = []
    let failed: unknown

    async function serve(connection: Connection, due: number): Promise<void> {
      await connection.ask(next())
      latencies.push(performance.now() - due)
      const first = waiting.shift()
      if (first === undefined) free.push(connection)
      else await serve(connection, first)
    }
    for (let at = 0; at < count && failed === undefined; at++) {
      const due = started + at * apart
      await until(due)
      const connection = free.shift()
      if (connection === undefined) waiting.push(due)
      else
        serve(connection, due).catch((error: unknown) => {
          failed = error
        })
    }
    while (latencies.length < count && failed === undefined) await turn()
    if (failed !== undefined) throw failed
  })
  return { kind: 'answered', answers: count, ms, latencies }
}

async function until(due: number): Promise<void> {
  for (let left = due - performance.now(); left > 0; left = due - performance.now()) {
    if (left > TIMER_SLACK_MS) await new Promise((go) => setTimeout(go, left - TIMER_SLACK_MS))
    else await turn()
  }
}

function turn(): Promise<void> {
  return new Promise((go) => setImmediate(go))
}

interface Connection {
  /** Rejects for any other answer than the expected one. */
  ask(question: Ask): Promise<void>
  close(): void
}

async function withConnections(
  port: number,
  use: (connections: readonly Connection[]) => Promise<unknown>,
): Promise<void> {
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => connected(port)))
  try {
    await use(connections)
  } finally {
    for (const connection of connections) connection.close()
  }
}

function connected(port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    let asked: { question: Ask; done(): void; fail(error: Error): void } | undefined
    let before = ''
    const lost = (error: Error): void => {
      reject(error)
      asked?.fail(error)
      asked = undefined
    }
    const answered = (size: number, buffer: Uint8Array): boolean => {
      const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, size).toString('latin1')
      const got = before === '' ? chunk : before + chunk
      if (!isWhole(got)) {
        before = got
        return true
      }
      before = ''
      const now = asked
      asked = undefined
      if (now === undefined) lost(new Error('it answered without being asked'))
      else if (isExpected(got, now.question)) now.done()
      else
        now.fail(
          new Error(`it answered ${got.slice(0, 12)}, or somebody else's session, or a cookie`),
        )
      return true
    }
    const onread = { buffer: Buffer.alloc(MOST_BYTES), callback: answered }
    const socket: Socket = connect({ host: '127.0.0.1', port, noDelay: true, onread })
    socket.on('connect', () =>
      resolve({
        ask: (question) =>
          new Promise((done, fail) => {
            asked = { question, done, fail }
            socket.write(question.request, 'latin1')
          }),
        close: () => socket.destroy(),
      }),
    )
    socket.on('error', lost)
    socket.on('close', () => lost(new Error('it closed a connection')))
  })
}

/** A browser would go on with it, and this one does not: the same answer would come once more. */
const COOKIE = /\r\nset-cookie:/i

const LENGTH = /\r\ncontent-length: (\d+)/i

function isWhole(got: string): boolean {
  const end = got.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = LENGTH.exec(got)?.[1]
  if (length === undefined) throw new Error('An answer has no length.')
  return got.length >= end + 4 + Number(length)
}

function isExpected(got: string, { expected }: Ask): boolean {
  if (!/^HTTP\/1\.1 20[01] /.test(got) || COOKIE.test(got)) return false
  let from = 0
  for (const part of expected) {
    const at = got.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return true
}

/** Files that were read, as several orders name the same. */
const read = new Map<string, Crowd | readonly Ask[]>()

/** Where each working set has got to: the next order goes on from there. */
const walks = new Map<string, Walk>()

/** The next question, of the working set. One in ten comes from another address of its subnet. */
function asker({ questions, set }: Omit<LoadOrder, 'ms'>): () => Ask {
  const all = read.get(questions) ?? JSON.parse(readFileSync(questions, 'utf8'))
  read.set(questions, all)
  const size = 'visitors' in all ? all.visitors.length : all.length
  const key = `${set} ${questions}`
  const walk = walks.get(key) ?? walkOf(set, size)
  walks.set(key, walk)
  if (!('visitors' in all)) {
    return () => {
      const ask = all[walk.next()]
      return walk.isElsewhere() ? fromBeside(ask) : ask
    }
  }
  const head = headOf(all)
  return () => askAs(head, all.visitors[walk.next()], walk.isElsewhere())
}

function walkOf(set: SetWord, size: number): Walk {
  const working = WORKING[set]
  return walkThrough({ ...working, sessions: Math.min(size, working.sessions) })
}

/** The other addresses are as long, and so is the request. */
function fromBeside(ask: Ask): Ask {
  const { request, ips = [] } = ask
  return { ...ask, request: ips.reduce((text, ip) => text.replace(ip, besideOf(ip)), request) }
}

/** What all visitors send alike. */
function headOf({ headers }: Crowd): string {
  const lines = Object.entries({ host: 'shop.example', accept: 'application/json', ...headers })
  return `GET ${URL} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}`
}

/** What a browser sends, a few other cookies included. */
function askAs(head: string, { cookie, ip, user }: Visitor, beside: boolean): Ask {
  const from = beside ? besideOf(ip) : ip
  return {
    request: `${head}x-forwarded-for: ${from}\r\ncookie: theme=dark; ${cookie}; seen=42\r\n\r\n`,
    expected: [`{"user":"${user}"}`],
  }
}

function say(word: LoadWord): void {
  process.send?.(word)
}
