import { connect } from 'node:net'
import { REQUEST } from '../facts.ts'
import type { Visitor } from './shop.ts'

/** Whom to ask, as whom, and for how long. */
export interface LoadOrder {
  readonly port: number
  readonly visitors: readonly Visitor[]
  readonly ms: number
}

export type LoadWord =
  | { readonly kind: 'answered'; readonly answers: number; readonly ms: number }
  | { readonly kind: 'failed'; readonly why: string }

const CONNECTIONS = 50

/** A process of its own, so that the server's CPU is the server's. Bare sockets: a client must cost less than what it asks. */
process.on('disconnect', () => process.exit())
process.on('message', (order: LoadOrder) => {
  load(order).then(say, (error: Error) => say({ kind: 'failed', why: error.message }))
})
say({ kind: 'answered', answers: 0, ms: 0 })

/** 50 kept connections, one request at a time on each, another session with every request. */
async function load({ port, visitors, ms }: LoadOrder): Promise<LoadWord> {
  const questions = visitors.map(({ token, user }) => ({
    bytes: requestOf(port, token),
    expected: `{"user":"${user}"}`,
  }))
  const started = performance.now()
  let answers = 0

  function connection(at: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true })
      let turn = at
      let got = ''
      const ask = (): void => {
        got = ''
        const question = questions[turn % questions.length]
        if (question !== undefined) socket.write(question.bytes)
      }
      socket.setEncoding('latin1')
      socket.on('connect', ask)
      socket.on('error', reject)
      socket.on('close', () => resolve())
      socket.on('data', (chunk: string) => {
        got += chunk
        if (!isWhole(got)) return
        const expected = questions[turn % questions.length]?.expected ?? ''
        if (!got.startsWith('HTTP/1.1 200') || !got.endsWith(expected)) {
          reject(new Error(`it answered ${got.slice(0, 12)}, or somebody else's session`))
          socket.destroy()
          return
        }
        answers++
        turn += CONNECTIONS + 1
        if (performance.now() - started < ms) ask()
        else socket.end()
      })
    })
  }

  await Promise.all(Array.from({ length: CONNECTIONS }, (_, at) => connection(at)))
  return { kind: 'answered', answers, ms: performance.now() - started }
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
  if (length === undefined) throw new Error('An answer has no length.')
  return text.length >= end + 4 + Number(length)
}

/** What a browser sends, a few other cookies included. */
function requestOf(port: number, token: string): Buffer {
  const { screen, timezone } = REQUEST.client ?? {}
  const lines = [
    `GET ${REQUEST.url} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    ...Object.entries(REQUEST.headers).map(([name, value]) => `${name}: ${String(value)}`),
    'accept: application/json',
    `cookie: theme=dark; __Host-session=${token}; hf-client=s=${screen}&z=${timezone}; seen=42`,
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

function say(word: LoadWord): void {
  process.send?.(word)
}
