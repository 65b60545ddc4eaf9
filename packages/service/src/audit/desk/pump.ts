import { setImmediate as turn } from 'node:timers/promises'
import type { LoggedEntry } from '../entry.ts'
import type { AuditLog } from '../log/audit-log.ts'
import type { Vault } from '../log/personal.ts'
import { readLog } from '../log/read.ts'

/** Reads the log from where it has come to: the index, the rules, an output. */
export interface LogReader {
  /** The next line that it wants. */
  from(): number
  /** Entries from there on, in order. What it throws is its own affair: see `failed`. */
  take(entries: readonly LoggedEntry[]): void
  /** What `take` has thrown. It may begin anew; it is asked again from where it says. */
  failed(error: unknown): void
}

/** Leads the lines of the log to its readers: from its files what is there, then what comes. */
export interface LogPump {
  /** Reads up to the end of the log in the background, and follows it from there. */
  begin(log: Pick<AuditLog, 'size'>): void
  /** What the log has just got. */
  appended(entries: readonly LoggedEntry[]): void
  /** Whether the readers have everything. */
  isCaughtUp(): boolean
  stop(): void
}

/** Lines that are read between two turns of the event loop. */
const AT_ONCE = 1_000

export function logPump({
  directory,
  vault,
  readers,
  onFault,
}: {
  readonly directory: string
  readonly vault: Pick<Vault, 'open'>
  readonly readers: readonly LogReader[]
  /** The log itself cannot be read. */
  readonly onFault: (error: unknown) => void
}): LogPump {
  let log: Pick<AuditLog, 'size'> | undefined
  let caughtUp = false

  /** True where every reader took them. */
  function give(entries: readonly LoggedEntry[]): boolean {
    let all = true
    for (const reader of readers) {
      try {
        const from = reader.from()
        const wanted = entries.filter(({ index }) => index >= from)
        if (wanted.length > 0) reader.take(wanted)
      } catch (error) {
        reader.failed(error)
        all = false
      }
    }
    return all
  }

  async function catchUp(of: Pick<AuditLog, 'size'>): Promise<void> {
    caughtUp = false
    let next = Math.min(of.size(), ...readers.map((reader) => reader.from()))
    while (log === of && next < of.size()) {
      let batch: LoggedEntry[] = []
      for (const { index, line } of readLog({ directory, from: next })) {
        next = index + 1
        if (line.kind === 'event') {
          const { partition, sequence, event, personal } = line
          const opened = personal === undefined ? null : vault.open(event, personal)
          batch.push({ index, partition, sequence, event, personal: opened })
        }
        if (batch.length < AT_ONCE) continue
        if (!give(batch)) return catchUp(of)
        batch = []
        await turn()
        if (log !== of) return
      }
      if (!give(batch)) return catchUp(of)
    }
    caughtUp = log === of
  }

  return {
    begin(of) {
      log = of
      catchUp(of).catch(onFault)
    },
    appended(entries) {
      if (caughtUp && log !== undefined && !give(entries)) catchUp(log).catch(onFault)
    },
    isCaughtUp: () => caughtUp,
    stop() {
      log = undefined
      caughtUp = false
    },
  }
}
