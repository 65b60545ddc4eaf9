import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { root } from './run.mjs'

const STOP_MS = 15_000
const READY_MS = 30_000
const KEPT_LINES = 20

/**
 * Starts a long-running Node program. All it says goes to `log`; warnings and worse also to the terminal.
 * It has a process group of its own, so that Ctrl-C in the terminal reaches it only through `stop`.
 */
export function startProcess({ name, args, env, log, say }) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const file = createWriteStream(log)
  const lastLines = []
  let stopping = false

  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      file.write(`${line}\n`)
      lastLines.push(line)
      if (lastLines.length > KEPT_LINES) lastLines.shift()
      const warning = warningIn(line)
      if (warning !== undefined) say(`${name}: ${warning}`)
    })
  }

  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code, signal) => resolve(signal ?? `code ${code}`))
  })

  return {
    /** Rejects when the program ends without having been asked to. */
    failed: ended.then((how) => {
      if (stopping) return new Promise(() => {})
      throw new Error(`${name} ended (${how}):\n${lastLines.map((line) => `  ${line}`).join('\n')}`)
    }),
    async stop() {
      stopping = true
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(timer)
    },
  }
}

/** What a log line of level "warn" and above says; undefined for the others. */
function warningIn(line) {
  try {
    const { level, msg, event, outcome, score, because } = JSON.parse(line)
    if (level < 40) return undefined
    if (event === undefined) return msg
    return [
      event,
      outcome === null ? '' : `-> ${outcome} (${score} dB: ${because.join(', ')})`,
    ].join(' ')
  } catch {
    return undefined
  }
}

/** Resolves when the address answers anything but a failure of its own. */
export async function untilReady(url) {
  const deadline = Date.now() + READY_MS
  for (;;) {
    try {
      const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(2_000) })
      await answer.body?.cancel()
      if (answer.status < 500) return
    } catch (error) {
      if (error.name === 'SyntaxError') throw error
    }
    if (Date.now() > deadline) throw new Error(`${url} did not become ready within 30 s`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** True when nobody listens on the port of this machine's loopback address. */
export function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
