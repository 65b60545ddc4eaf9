import { connect } from 'node:net'
import { REQUEST } from '../facts.ts'
import type { Visitor } from './shop.ts'

/** Whom to ask, as whom, and for how long. */
export interface LoadOrder {
  readonly port: number
  readonly visitors: readonly Visitor[]
  /** Whole requests with the ends of their answers, in place of what visitors of a shop ask. */
  readonly asks?: readonly Ask[]
  readonly ms: number
}

/** In latin1. */
export interface Ask {
  readonly request: string
  readonly expected: string
}

export type LoadWord =
  | { readonly kind: 'answered'; readonly answers: number; readonly ms: number }
  | { readonly kind: 'failed'; readonly why: string }

const CONNECTIONS = 50
const GOOD = Buffer.from('HTTP/1.1 200', 'latin1')
const EMPTY = Buffer.alloc(0)
const MOST_BYTES = 65_536

/**
 * A process of its own, so that the server's CPU is the server's. Bare sockets: a client must cost
 * less than what it asks.
 */
process.on('disconnect', () => process.exit())
process.on('message', (order: LoadOrder) => {
  load(order).then(say, (error: Error) => say({ kind: 'failed', why: error.message }))
})
say({ kind: 'answered', answers: 0, ms: 0 })

/** 50 kept connections, one request at a time on each, another session with every request. */
async function load({ port, visitors, asks, ms }: LoadOrder): Promise<LoadWord> {
  const all = asks ?? visitors.map(({ token, user }) => askOf(port, { token, user }))
  const questions = all.map(({ request, expected }) => ({
    bytes: Buffer.from(request, 'latin1'),
    expected: Buffer.from(expected, 'latin1'),
  }))
  const started = performance.now()
  let answers = 0

  function connection(at: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let turn = at
      let before = EMPTY
      const asked = (): (typeof questions)[number] => {
        const question = questions[turn % questions.length]
        if (question === undefined) throw new Error('There is nobody to ask as.')
        return question
      }
      const ask = (): void => void socket.write(asked().bytes)
      const answered = (size: number, buffer: Uint8Array): boolean => {
        const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, size)
        const got = before.length === 0 ? chunk : Buffer.concat([before, chunk])
        const { expected } = asked()
        // the end alone tells that it is whole: looking for its length would cost more than all
        // else here
        if (!got.subarray(-expected.length).equals(expected)) {
          before = Buffer.from(got)
          if (isWhole(before)) fail(before)
          return true
        }
        if (!got.subarray(0, GOOD.length).equals(GOOD)) fail(got)
        before = EMPTY
        answers++
        turn += CONNECTIONS + 1
        if (performance.now() - started < ms) ask()
        else socket.end()
        return true
      }
      const fail = (got: Buffer): void => {
        const line = got.toString('latin1', 0, GOOD.length)
        reject(new Error(`it answered ${line}, or somebody else's session`))
        socket.destroy()
      }
      const onread = { buffer: Buffer.alloc(MOST_BYTES), callback: answered }
      const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread })
      socket.on('connect', ask)
      socket.on('error', reject)
      socket.on('close', () => resolve())
    })
  }

  await Promise.all(Array.from({ length: CONNECTIONS }, (_, at) => connection(at)))
  return { kind: 'answered', answers, ms: performance.now() - started }
}

function isWhole(got: Buffer): boolean {
  const text = got.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
  if (length === undefined) throw new Error('An answer has no length.')
  return text.length >= end + 4 + Number(length)
}

/** What a browser sends, a few other cookies included. */
function askOf(port: number, { token, user }: Visitor): Ask {
  const { screen, timezone } = REQUEST.client ?? {}
  const lines = [
    `GET ${REQUEST.url} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    ...Object.entries(REQUEST.headers).map(([name, value]) => `${name}: ${String(value)}`),
    'accept: application/json',
    `cookie: theme=dark; __Host-session=${token}; hf-client=s=${screen}&z=${timezone}; seen=42`,
  ]
  return { request: `${lines.join('\r\n')}\r\n\r\n`, expected: `{"user":"${user}"}` }
}

function say(word: LoadWord): void {
  process.send?.(word)
}
