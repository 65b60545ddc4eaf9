import type { Logger } from 'pino'

/**
 * What `ioredis` 6 itself throws while it reads a reply, where nobody can catch it: of one that
 * nobody has asked for (`$-1`) it asks the length. What listeners throw has another first line.
 */
const READING_A_REPLY = /^[^\n]*\n\s+at [^\n]*[\\/]ioredis[\\/]built[\\/]DataHandler\.js/

/**
 * What becomes of errors that nobody caught, in a process that is the service alone. After an
 * exception nobody knows what is half done: it is told in the log, and the process ends with code
 * 1, to be started again. A rejected promise that nobody waited for is told, and the service goes
 * on: no answer depends on it. So it is with a reply that Redis should not have sent, which costs
 * the connection. The answer takes the listeners away.
 */
export function ownProcess(log: Logger, reconnect: () => void): () => void {
  function exception(err: Error): void {
    if (READING_A_REPLY.test(err.stack ?? '')) {
      log.error({ err }, 'Redis sent what nobody can read: the connection is made anew')
      reconnect()
      return
    }
    log.fatal({ err }, 'an error that nobody caught: the service ends')
    process.exit(1)
  }

  function rejection(err: unknown): void {
    log.error({ err }, 'a failure that nobody waited for')
  }

  process.on('uncaughtException', exception)
  process.on('unhandledRejection', rejection)
  return () => {
    process.off('uncaughtException', exception)
    process.off('unhandledRejection', rejection)
  }
}
