import { type ChildProcess, fork } from 'node:child_process'
import { Agent, get } from 'node:http'
import { fileURLToPath } from 'node:url'
import { REQUEST } from './subjects.ts'

const CONNECTIONS = 32
const ROUNDS = 5
const ROUND_REQUESTS = 4_000

export interface OverHttp {
  /** Server CPU µs of one request. */
  readonly bare: number
  readonly verified: number
}

/** What a verification adds to the server's CPU for one HTTP request, the rest of the request included. */
export async function overHttp(): Promise<OverHttp> {
  const child = fork(fileURLToPath(new URL('./http-server.js', import.meta.url)))
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  try {
    const { port, token } = await hello(child)
    const ask = (path: string): Promise<string> => fetchText(agent, port, path, token)
    const cost = async (path: string): Promise<number> => {
      const before = Number(await ask('/cpu'))
      let left = ROUND_REQUESTS
      const client = async (): Promise<void> => {
        while (left-- > 0) await ask(path)
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, client))
      return (Number(await ask('/cpu')) - before) / ROUND_REQUESTS
    }

    await cost('/bare')
    await cost('/verify')
    const bare: number[] = []
    const verified: number[] = []
    for (let turn = 0; turn < ROUNDS; turn++) {
      bare.push(await cost('/bare'))
      verified.push(await cost('/verify'))
    }
    return { bare: median(bare), verified: median(verified) }
  } finally {
    agent.destroy()
    child.disconnect()
  }
}

function hello(child: ChildProcess): Promise<{ readonly port: number; readonly token: string }> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as { port: number; token: string }))
    child.once('exit', (code) => reject(new Error(`The server ended with code ${code}.`)))
  })
}

function fetchText(agent: Agent, port: number, path: string, token: string): Promise<string> {
  const headers = { ...REQUEST.headers, authorization: `Bearer ${token}` }
  return new Promise((resolve, reject) => {
    get({ agent, port, path, headers, host: '127.0.0.1' }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text)
        else reject(new Error(`${path} was answered ${response.statusCode}.`))
      })
    }).on('error', reject)
  })
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
