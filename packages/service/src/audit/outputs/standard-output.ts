import type { Writable } from 'node:stream'
import type { LoggedLine } from '../entry.ts'
import { deliveryCursor } from './delivery-cursor.ts'
import { outageOf } from './outage.ts'
import { type AuditOutput, type OutputDependencies, problemOf, timer } from './output.ts'

export interface StandardOutputOptions {
  readonly name: string
  readonly format: (entry: LoggedLine) => object
  /** `process.stdout`, whoever owns it. */
  readonly stream: Writable
}

/** What may wait for a slow reader. */
const MOST_WAITING_BYTES = 4 * 1_048_576

/** Writes JSON lines to a stream that others write to, too, such as standard output. */
export function standardOutput(
  { name, format, stream }: StandardOutputOptions,
  dependencies: OutputDependencies,
): AuditOutput {
  const { later = timer } = dependencies
  const cursor = deliveryCursor()
  const outage = outageOf(name, dependencies)
  let sent = 0
  let queued = 0
  let closed = false
  let onEmpty = (): void => {}
  // Without a listener a reader who has gone would end the process.
  stream.on('error', (error) => outage.failed(problemOf(error)))

  function lose(entries: readonly LoggedLine[], problem: string): void {
    cursor.missed(entries[0]?.index ?? 0)
    outage.dropped(entries.length, problem)
  }

  return {
    name,
    send(entries) {
      const [first] = entries
      const last = entries.at(-1)
      if (first === undefined || last === undefined) return
      cursor.begins(first.index)
      if (closed || stream.destroyed) return lose(entries, 'it is closed')
      if (stream.writableLength > MOST_WAITING_BYTES) return lose(entries, 'nobody reads it')
      queued += entries.length
      const lines = entries.map((entry) => `${JSON.stringify(format(entry))}\n`).join('')
      stream.write(lines, (error) => {
        queued -= entries.length
        if (error) lose(entries, problemOf(error))
        else {
          sent += entries.length
          cursor.acknowledged(last.index)
          outage.worked()
        }
        if (queued === 0) onEmpty()
      })
    },
    state: () => ({ sent, dropped: outage.droppedSoFar(), queued, failing: outage.failing() }),
    delivered: cursor.value,
    async close(timeoutMs) {
      closed = true
      if (queued === 0) return
      await new Promise<void>((resolve) => {
        const cancel = later(timeoutMs, resolve)
        onEmpty = () => {
          cancel()
          resolve()
        }
      })
    },
  }
}
