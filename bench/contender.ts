import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Order, Place, Word } from './contender-process.ts'
import type { Length, Round } from './rounds.ts'

/** A program of the bench, and which of its kinds of contender is wanted. */
export interface Program {
  readonly program: string
  readonly kind?: string
}

/**
 * A contender in a process of its own. It is stopped between its rounds: what some forty of them do
 * by their clocks would be measured with the one whose turn it is.
 */
export interface Contender {
  readonly rows: readonly string[]
  /**
   * Who stood by while others were measured has cold caches, and pages that the system has taken
   * away. A process in service has not: it runs in before a round.
   */
  runIn(row: string, length: Length): Promise<void>
  round(row: string, length: Length): Promise<Round>
  stop(): Promise<void>
}

/** Longest wait for a contender: to prepare itself, or to end a round. The machine may be busy. */
const PATIENCE_MS = 900_000

/** Starts the program of a contender, or returns the reason why it cannot take part. */
export async function startContender(
  { program, kind }: Program,
  place: Place,
): Promise<Contender | { readonly absent: string }> {
  const args = [JSON.stringify(place), ...(kind === undefined ? [] : [kind])]
  const child = startProcess(program, args, NEVER_IDLE)
  const stop = (): Promise<void> => {
    goOn(child)
    return stopProcess(child)
  }
  try {
    const word = await wordOf<Word>(child)
    if (word.kind === 'absent') {
      await stop()
      return { absent: word.why }
    }
    if (word.kind !== 'ready') throw new Error(whyOf(word))
    pause(child)
    const ask = async (order: Order): Promise<Round> => {
      goOn(child)
      child.send(order)
      const answer = await wordOf<Word>(child)
      pause(child)
      if (answer.kind !== 'round') throw new Error(whyOf(answer))
      return answer
    }
    return {
      rows: word.rows,
      stop,
      async runIn(row, length) {
        await ask({ row, length, runsIn: true })
      },
      round: (row, length) => ask({ row, length, runsIn: false }),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const paused = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of paused) child.kill('SIGKILL')
})

function pause(child: ChildProcess): void {
  paused.add(child)
  child.kill('SIGSTOP')
}

function goOn(child: ChildProcess): void {
  child.kill('SIGCONT')
  paused.delete(child)
}

/**
 * V8 takes a process that stands by between its rounds for one that has nothing to do: it would
 * collect all garbage, give its young generation away, and forget compiled code.
 */
export const NEVER_IDLE: readonly string[] = ['--no-memory-reducer']

/**
 * A service of the bench is no command, so it is given what `holdfast serve` gives itself, or is to
 * be given by whoever starts it on Node 20 (docs/deploy.md).
 */
const { servingFlags } = await servingModule()

interface ServingModule {
  servingFlags(started: NodeJS.Process): readonly string[]
}

function servingModule(): Promise<ServingModule> {
  return import(new URL('../../packages/service/dist/main/young-objects.js', import.meta.url).href)
}

/**
 * Starts a program of the bench as in production. It tells on standard error what ends it. It has
 * a process group of its own: the system hangs up on a whole group that is left by its shell while
 * one of its processes is stopped.
 */
export function startProcess(
  program: string,
  args: readonly string[] = [],
  flags: readonly string[] = [],
): ChildProcess {
  const serving = program.endsWith('/service.js') ? servingFlags(process) : []
  return fork(fileURLToPath(new URL(program, import.meta.url)), args, {
    execArgv: [...serving, ...flags],
    env: { ...process.env, NODE_ENV: 'production', BETTER_AUTH_TELEMETRY: '0' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: true,
  })
}

/** The next message of a child. Rejects when it dies or says nothing for minutes. */
export async function wordOf<T>(child: ChildProcess): Promise<T> {
  const given = new AbortController()
  const { signal } = given
  const late = setTimeout(() => given.abort(), PATIENCE_MS)
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([word]) => word as T),
      once(child, 'exit', { signal }).then(([code, by]) => {
        throw new Error(`its process ended with ${by ?? code}`)
      }),
    ])
  } catch (error) {
    if (signal.aborted) throw new Error(`it did not answer for ${PATIENCE_MS / 1000} s`)
    throw error
  } finally {
    clearTimeout(late)
    given.abort()
  }
}

/** A word of the one kind that is due. Throws for another, with what it says of a failure. */
export function expectKind<Said extends AnyWord, Kind extends Said['kind']>(
  word: Said,
  kind: Kind,
): Extract<Said, { readonly kind: Kind }> {
  if (word.kind === kind) return word as Extract<Said, { readonly kind: Kind }>
  throw new Error(whyOf(word))
}

interface AnyWord {
  readonly kind: string
  readonly why?: string
}

export function whyOf({ kind, why }: AnyWord): string {
  return why ?? `"${kind}" was not expected`
}

/** A child of the bench ends when it is disconnected; one that does not is killed. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  if (child.connected) child.disconnect()
  const late = setTimeout(() => child.kill('SIGKILL'), 2_000)
  await gone
  clearTimeout(late)
}
