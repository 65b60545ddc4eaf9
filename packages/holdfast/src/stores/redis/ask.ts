import { SessionError } from '../../core/errors.ts'
import type { Arguments, RedisPort } from './client.ts'
import { missingRight, type Refusal } from './refusals.ts'
import type { Script } from './scripts.ts'
import type { WriteState } from './write-state.ts'

/** Asks Redis. Each call ends within the time limit, with an answer or `store_unavailable`. */
export interface RedisAsk {
  command(key: string, args: Arguments): Promise<unknown>
  /** Runs a script in the slot of its first key. */
  run(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>
  onEachMaster(args: Arguments): Promise<readonly unknown[]>
  /** The fault that a part of an answer tells of. */
  failure(what: string, message: string): SessionError
  /** Writes marks for a minute, also where nothing else may be asked. All of them, or it fails. */
  mark(keys: readonly string[]): Promise<unknown>
}

/** What happened, for whoever asks and for whoever tells. */
export interface AskOptions {
  readonly timeoutMs: number
  readonly state: WriteState
  /** Hears of every failure. */
  readonly onFailure: () => void
}

/**
 * A client keeps commands while it cannot reach Redis. Beyond so many, none is sent: they would
 * pile up without end.
 */
const MAX_UNANSWERED = 10_000

const MARK_MS = 60_000

export function redisAsk(port: RedisPort, { timeoutMs, state, onFailure }: AskOptions): RedisAsk {
  const limit = timeLimit(timeoutMs)
  let unanswered = 0

  /** `otherwise` may ask in another way after a failure. Undefined: the failure stands. */
  function bounded<T>(
    what: string,
    ask: () => Promise<T>,
    otherwise: (cause: unknown) => Promise<T> | undefined = () => undefined,
  ): Promise<T> {
    if (unanswered >= MAX_UNANSWERED) {
      const waiting = `${unanswered} commands are waiting for Redis already`
      return Promise.reject(unavailable(`${waiting}; "${what}" was not sent.`))
    }
    unanswered++
    return new Promise<T>((resolve, reject) => {
      const waiting = limit.begin(() => {
        onFailure()
        reject(unavailable(`Redis did not answer "${what}" within ${timeoutMs} ms.`))
      })
      const answered = (): void => {
        unanswered--
        limit.end(waiting)
      }
      const succeeded = (reply: T): void => {
        answered()
        resolve(reply)
      }
      const failed = (cause: unknown): void => {
        answered()
        reject(failure(what, cause))
      }
      try {
        ask().then(succeeded, (cause: unknown) => {
          const again = otherwise(cause)
          if (again === undefined) failed(cause)
          else again.then(succeeded, failed)
        })
      } catch (cause) {
        failed(cause)
      }
    })
  }

  function failure(what: string, cause: unknown): SessionError {
    onFailure()
    const refusal = state.failed(cause)
    return refusal === undefined
      ? unavailable(`Redis could not do "${what}": ${reasonOf(cause)}.`, cause)
      : refusedBy(refusal, what, cause)
  }

  /** Undefined: it may be asked. */
  function closed<T>(what: string): Promise<T> | undefined {
    const refusal = state.closedBy()
    return refusal && Promise.reject(refusedBy(refusal, what))
  }

  return {
    command: (key, args) => closed(args[0]) ?? bounded(args[0], () => port.command(key, args)),
    onEachMaster: (args) => closed(args[0]) ?? bounded(args[0], () => port.onEachMaster(args)),
    failure: (what, message) => failure(what, new Error(message)),
    async mark(keys) {
      const mark = (key: string): Promise<unknown> =>
        port.command(key, ['SET', key, String(Date.now()), 'PX', String(MARK_MS)])
      await Promise.all(keys.map((key) => bounded('mark', () => mark(key))))
      state.passed()
    },
    run({ name, source, sha }, keys, args) {
      const refused = closed<unknown>(name)
      if (refused !== undefined) return refused
      const key = keys[0] ?? ''
      const command: [string, ...(string | Buffer)[]] = ['EVALSHA', sha, String(keys.length)]
      for (const one of keys) command.push(one)
      for (const one of args) command.push(one)
      return bounded(
        name,
        () => port.command(key, command),
        (cause) => {
          if (kindOf(cause) !== 'NOSCRIPT') return undefined
          return port.command(key, ['EVAL', source, ...command.slice(2)])
        },
      )
    },
  }
}

interface Waiting {
  readonly until: number
  readonly expire: () => void
}

/**
 * One time limit for everything that waits, with one timer: what began first is over first. A timer
 * for each command would cost as much as sending it.
 */
function timeLimit(ms: number): {
  begin(expire: () => void): Waiting
  end(waiting: Waiting): void
} {
  const all = new Set<Waiting>()
  let timer: NodeJS.Timeout | undefined

  function look(): void {
    timer = undefined
    const now = performance.now()
    for (const waiting of all) {
      if (waiting.until > now) {
        timer = setTimeout(look, Math.ceil(waiting.until - now))
        return
      }
      all.delete(waiting)
      waiting.expire()
    }
  }

  return {
    begin(expire) {
      const waiting = { until: performance.now() + ms, expire }
      all.add(waiting)
      timer ??= setTimeout(look, ms)
      return waiting
    },
    end(waiting) {
      all.delete(waiting)
      // It would keep the process alive.
      if (all.size > 0) return
      clearTimeout(timer)
      timer = undefined
    },
  }
}

/**
 * The code in front of Redis's message, for example WRONGTYPE: what follows may have arguments in
 * it. Of a connection the code and the address that it failed with.
 */
function kindOf(error: unknown): string {
  const one = error instanceof AggregateError ? error.errors[0] : error
  if (!(one instanceof Error)) return 'unknown'
  const kind = /^-?([A-Z]{3,}) /.exec(one.message)?.[1]
  if (kind !== undefined) return kind
  const { syscall, code, address, port, hostname } = one as Error & Partial<SystemFailure>
  if (syscall === undefined || code === undefined) return one.name
  const where = address === undefined ? hostname : `${address}${port ? `:${port}` : ''}`
  return [syscall, code, where].filter(Boolean).join(' ')
}

function reasonOf(error: unknown): string {
  const right = missingRight(error)
  return right === undefined ? kindOf(error) : `NOPERM, ${right}`
}

interface SystemFailure {
  readonly syscall: string
  readonly code: string
  readonly address: string
  readonly port: number
  readonly hostname: string
}

function refusedBy({ kind, cause, mend }: Refusal, what: string, error?: unknown): SessionError {
  return unavailable(`Redis refuses "${what}" (${kind}): ${cause}. ${mend}.`, error)
}

function unavailable(message: string, cause?: unknown): SessionError {
  return new SessionError('store_unavailable', message, { cause })
}
