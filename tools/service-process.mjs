import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { root } from './run.mjs'

const STOP_MS = 15_000
const READY_MS = 30_000
const KEPT_LINES = 20

/**
 * Programs that run together: they start one after the other, and end together. The first that
 * fails ends the others and this process, with code 1, and only its error is told. `start` and
 * `stop` then never return.
 */
export function programs({ say }) {
  const running = []
  let ending

  function fail(error) {
    if (ending === undefined) process.stderr.write(`${error.message}\n`)
    return stop(1)
  }

  async function end(code) {
    if (code === 0 && running.length > 0) say('Stopping ...')
    // What was started last stops first, so that nothing speaks to a service that is gone.
    for (const program of running.reverse()) await program.stop()
    process.exit(code)
  }

  function stop(code = 0) {
    ending ??= end(code)
    return ending
  }

  return {
    async start(program, readyAt) {
      const started = startProcess({ ...program, say })
      running.push(started)
      started.failed.catch(fail)
      try {
        await Promise.race([untilReady(readyAt), started.failed])
      } catch (error) {
        await fail(error)
      }
    },
    stop,
  }
}

/**
 * Starts a long-running program, of Node unless it has a `command`. All it says goes to `log`;
 * warnings and worse also to the terminal. It has a process group of its own, so that Ctrl-C in the
 * terminal reaches it only through `stop`.
 */
function startProcess({ name, command = process.execPath, args, env, log, say }) {
  const child = spawn(command, args, {
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
async function untilReady(url) {
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
