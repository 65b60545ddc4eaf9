import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import { type Later, type OutputDependencies, timer } from '../../../src/audit/outputs/output.ts'

/** A folder that goes with the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-outputs-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

export interface TestDependencies extends OutputDependencies {
  readonly problems: string[]
  /** Pauses that were asked for. They pass at once, and the clock with them. */
  readonly pauses: number[]
  pass(ms: number): void
}

/** Time-outs are real; so are pauses of exactly this length, for which tests wait. */
export const TIMEOUT_MS = 29_999

export function dependencies(start = Date.UTC(2026, 10, 29)): TestDependencies {
  let now = start
  const problems: string[] = []
  const pauses: number[] = []
  const later: Later = (ms, run) => {
    if (ms === TIMEOUT_MS) return timer(ms, run)
    pauses.push(ms)
    const immediate = setImmediate(() => {
      now += ms
      run()
    })
    return () => clearImmediate(immediate)
  }
  return {
    now: () => now,
    random: (size) => new Uint8Array(size),
    onProblem: (message) => void problems.push(message),
    later,
    problems,
    pauses,
    pass(ms) {
      now += ms
    },
  }
}

/** Waits for what happens in sockets. */
export function until(condition: () => boolean): Promise<void> {
  return vi.waitFor(
    () => {
      if (!condition()) throw new Error('not yet')
    },
    { timeout: TIMEOUT_MS, interval: 5 },
  )
}

export interface Received {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Receiver {
  readonly url: string
  readonly port: number
  /** What came in whole, in order. */
  readonly received: Received[]
}

/** A server on this machine that reads each request whole and then answers as the test says. */
export async function receiver(
  answer: (response: ServerResponse, request: Received, number: number) => void,
): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    request.setEncoding('utf8')
    for await (const chunk of request) body += chunk
    const whole = { path: request.url ?? '', headers: request.headers, body }
    received.push(whole)
    answer(response, whole, received.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, received }
}
