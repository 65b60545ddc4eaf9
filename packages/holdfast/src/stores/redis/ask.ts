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
  let unanswered = 0

  function bounded<T>(what: string, ask: () => Promise<T>): Promise<T> {
    if (unanswered >= MAX_UNANSWERED) {
      const waiting = `${unanswered} commands are waiting for Redis already`
      return Promise.reject(unavailable(`${waiting}; "${what}" was not sent.`))
    }
    unanswered++
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(unavailable(`Redis did not answer "${what}" within ${timeoutMs} ms.`))
      }, timeoutMs)
      const answered = (): void => {
        unanswered--
        clearTimeout(timer)
      }
      let answer: Promise<T>
      try {
        answer = ask()
      } catch (cause) {
        answer = Promise.reject(cause)
      }
      answer.then(
        (reply) => {
          answered()
          resolve(reply)
        },
        (cause: unknown) => {
          answered()
          reject(unavailable(`Redis could not do "${what}": ${kindOf(cause)}.`, cause))
        },
      )
    })
  }

  return {
    command: (key, args) => bounded(args[0], () => port.command(key, args)),
    onEachMaster: (args) => bounded(args[0], () => port.onEachMaster(args)),
    run({ name, source, sha }, keys, args) {
      const key = keys[0] ?? ''
      const rest = [String(keys.length), ...keys, ...args]
      return bounded(name, async () => {
        try {
          return await port.command(key, ['EVALSHA', sha, ...rest])
        } catch (error) {
          if (kindOf(error) !== 'NOSCRIPT') throw error
          return await port.command(key, ['EVAL', source, ...rest])
        }
      })
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
