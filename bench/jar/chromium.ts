import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'

/**
 * How a browser ends, or a part of it:
 * - `killed`: SIGKILL to all of its processes at once, as the kernel does when memory runs out.
 * - `crashed`: the browser process traps; its children follow.
 * - `network`: SIGKILL to the process that has the cookie jar; the browser starts another.
 * - `renderer`: the page crashes, and nothing else.
 * - `terminated`: SIGTERM to the browser process alone.
 * - `logout`: SIGTERM to all of its processes at once, as the end of a desktop session does.
 * - `closed`: as a person closes it.
 */
export type End = 'killed' | 'crashed' | 'network' | 'renderer' | 'terminated' | 'logout' | 'closed'

/** A Chromium over a profile that stays. */
export interface Browser {
  /** Another page, in the place of those before. */
  open(url: string): Promise<void>
  /** Resolves when the end is complete: no process is left that could still write. */
  end(how: End): Promise<void>
  running(): boolean
}

const LONGEST_MS = 20_000

export function startChromium(profile: string, url: string): Browser {
  const child = spawn(CHROMIUM, [...flags(), `--user-data-dir=${profile}`, url], {
    // A process group of its own, which can be killed as one.
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  child.on('error', () => {})
  const devtools = devtoolsOf(child)
  const group = -(child.pid ?? 0)
  const running = (): boolean => child.exitCode === null && child.signalCode === null

  async function pages(): Promise<readonly string[]> {
    const { targetInfos = [] } = await devtools('Target.getTargets')
    return targetInfos.filter(({ type }) => type === 'page').map(({ targetId }) => targetId)
  }

  async function crashPage(): Promise<void> {
    for (const targetId of await pages()) {
      const { sessionId } = await devtools('Target.attachToTarget', { targetId, flatten: true })
      // A crashed page gives no answer.
      await Promise.race([devtools('Page.crash', {}, sessionId), delay(500)])
    }
  }

  /** The whole group: the network process may outlive the browser, and write. */
  async function gone(): Promise<void> {
    if (running()) await Promise.race([once(child, 'exit'), delay(LONGEST_MS)])
    for (let waited = 0; alive(group) && waited < LONGEST_MS; waited += 20) await delay(20)
    if (!alive(group)) return
    process.kill(group, 'SIGKILL')
    throw new Error('the browser did not end')
  }

  return {
    running,
    async open(next) {
      const old = await pages()
      await devtools('Target.createTarget', { url: next })
      for (const targetId of old) await devtools('Target.closeTarget', { targetId })
    },
    async end(how) {
      switch (how) {
        case 'renderer':
          return crashPage()
        case 'network':
          return killNetworkProcess(group)
        case 'killed':
          process.kill(group, 'SIGKILL')
          return gone()
        case 'logout':
          process.kill(group, 'SIGTERM')
          return gone()
        case 'terminated':
          child.kill('SIGTERM')
          return gone()
        case 'crashed':
        case 'closed':
          // Who ends may not answer any more.
          devtools(how === 'closed' ? 'Browser.close' : 'Browser.crash').catch(() => {})
          return gone()
      }
    },
  }
}

function flags(): readonly string[] {
  return [
    // With windows, on no screen: without a screen means another start and end than people's
    // browsers have.
    '--ozone-platform=headless',
    '--disable-gpu',
    '--no-first-run',
    '--password-store=basic',
    '--disable-background-networking',
    '--disable-component-update',
    '--remote-debugging-pipe',
    // Chromium's sandbox does not work for root.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  ]
}

interface Answer {
  readonly targetInfos?: readonly { readonly type: string; readonly targetId: string }[]
  readonly sessionId?: string
}

type Devtools = (method: string, params?: object, sessionId?: string) => Promise<Answer>

/** The DevTools protocol over pipes: JSON, a NUL after each message. */
function devtoolsOf({ stdio }: ChildProcess): Devtools {
  const to = stdio[3] as Writable
  const from = stdio[4] as Readable
  const waiting = new Map<number, (answer: Answer) => void>()
  let last = 0
  let rest = ''
  // The browser goes whenever it is killed.
  to.on('error', () => {})
  from.on('error', () => {})
  from.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (rest + chunk).split('\0')
    rest = messages.pop() ?? ''
    for (const message of messages) {
      const { id, result }: { id?: number; result?: Answer } = JSON.parse(message)
      if (id !== undefined) waiting.get(id)?.(result ?? {})
    }
  })

  return async (method, params = {}, sessionId) => {
    const id = ++last
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve))
    to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    const late = delay(LONGEST_MS, undefined, { ref: false })
    const answer = await Promise.race([answered, late])
    waiting.delete(id)
    if (answer === undefined) throw new Error(`Chromium did not answer ${method}`)
    return answer
  }
}

async function killNetworkProcess(group: number): Promise<void> {
  const [network] = processes().filter(
    (process) =>
      process.group === -group && process.command.includes('network.mojom.NetworkService'),
  )
  if (network === undefined) throw new Error('there is no network process')
  process.kill(network.id, 'SIGKILL')
  for (let waited = 0; alive(network.id) && waited < LONGEST_MS; waited += 10) await delay(10)
}

/**
 * What is left of browsers over profiles in this folder: a crash reporter has a group of its own.
 */
export function sweep(folder: string): void {
  for (const { id, command } of processes()) {
    if (!command.includes(folder) || id === process.pid) continue
    try {
      process.kill(id, 'SIGKILL')
    } catch {
      // It has gone by itself.
    }
  }
}

function processes(): readonly {
  readonly id: number
  readonly group: number
  readonly command: string
}[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8')
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      // After the name in brackets: state, parent, group.
      const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
      return [{ id: Number(name), group, command }]
    } catch {
      // It has gone since the folder was listed.
      return []
    }
  })
}

function alive(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch {
    return false
  }
}
