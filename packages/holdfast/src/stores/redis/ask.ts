import { SessionError } from '../../core/errors.ts'
import type { Arguments, RedisPort } from './client.ts'
import type { Script } from './scripts.ts'

/** Asks Redis. Each call ends within the time limit, with an answer or `store_unavailable`. */
export interface RedisAsk {
  command(key: string, args: Arguments): Promise<unknown>
  /** Runs a script in the slot of its first key. */
  run(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>
  onEachMaster(args: Arguments): Promise<readonly unknown[]>
}

/**
 * A client keeps commands while it cannot reach Redis. Beyond so many, none is sent: they would
 * pile up without end.
 */
const MAX_UNANSWERED = 10_000

export function redisAsk(port: RedisPort, timeoutMs: number): RedisAsk {
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
        reject(unavailable(`Redis could not do "${what}": ${kindOf(cause)}.`, cause))
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

  return {
    command: (key, args) => bounded(args[0], () => port.command(key, args)),
    onEachMaster: (args) => bounded(args[0], () => port.onEachMaster(args)),
    run({ name, source, sha }, keys, args) {
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

/** The code in front of Redis's message, for example OOM or CLUSTERDOWN; else the error's name. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return /^-?([A-Z]{3,}) /.exec(error.message)?.[1] ?? error.name
}

function unavailable(message: string, cause?: unknown): SessionError {
  return new SessionError('store_unavailable', message, { cause })
}
