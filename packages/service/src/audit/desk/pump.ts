import { setImmediate as turn } from 'node:timers/promises'
import type { LoggedLine } from '../entry.ts'
import type { AuditLog } from '../log/audit-log.ts'
import { openedEntry, openedFinding, type Vault } from '../log/personal.ts'
import { readLog } from '../log/read.ts'

/** Reads the log from where it has come to: the index, the rules, an output. */
export interface LogReader {
  /** This process writes the log now. Another one may have read for it meanwhile. */
  begin?(): void
  /** The next line that it wants. */
  from(): number
  /** Events and findings from there on, in order. What it throws goes to `failed`. */
  take(lines: readonly LoggedLine[]): void
  /** What it has thrown. It may begin anew: a while later it is asked again from where it says. */
  failed(error: unknown): void
}

/** Leads the lines of the log to its readers: from its files what is there, then what comes. */
export interface LogPump {
  /** Reads up to the end of the log in the background, and follows it from there. */
  begin(log: Pick<AuditLog, 'size'>): void
  /** What the log has just got. */
  appended(lines: readonly LoggedLine[]): void
  /** A reader has begun anew. */
  again(): void
  /** Whether the readers have everything. */
  isCaughtUp(): boolean
  stop(): void
}

export interface LogPumpOptions {
  readonly directory: string
  readonly vault: Pick<Vault, 'open'>
  readonly readers: readonly LogReader[]
  /** The log itself cannot be read. */
  readonly onFault: (error: unknown) => void
  /** Pause before a reader that failed is asked again; doubled each time up to a minute. */
  readonly retryMs?: number
}

/** Lines that are read between two turns of the event loop. */
const AT_ONCE = 1_000
const RETRY_MS = 1_000
const MOST_RETRY_MS = 60_000

export function logPump(options: LogPumpOptions): LogPump {
  const { directory, vault, readers, onFault, retryMs = RETRY_MS } = options
  let log: Pick<AuditLog, 'size'> | undefined
  /** Counts the times that reading has begun: what began before ends. */
  let round = 0
  let atEnd = false
  /** Readers that failed, which the others do not wait for. */
  const resting = new Map<LogReader, NodeJS.Timeout>()
  const failures = new Map<LogReader, number>()
  /** Where each was when it was asked last. One that is before that has begun anew. */
  const came = new Map<LogReader, number>()
  /** What a reader has added to the log while it was given something. */
  let waiting: LoggedLine[] = []
  let giving = false

  /** Undefined where it rests, or has failed. */
  function tried<T>(reader: LogReader, work: () => T): T | undefined {
    if (resting.has(reader)) return undefined
    try {
      return work()
    } catch (error) {
      rest(reader)
      try {
        reader.failed(error)
      } catch (fault) {
        onFault(fault)
      }
      return undefined
    }
  }

  function give(lines: readonly LoggedLine[]): void {
    for (const reader of readers) {
      tried(reader, () => {
        const from = reader.from()
        const wanted = lines.filter(({ index }) => index >= from)
        if (wanted.length > 0) reader.take(wanted)
        came.set(reader, reader.from())
        failures.delete(reader)
      })
    }
  }

  function rest(reader: LogReader): void {
    const failed = failures.get(reader) ?? 0
    failures.set(reader, failed + 1)
    const timer = setTimeout(
      () => {
        resting.delete(reader)
        again()
      },
      Math.min(retryMs * 2 ** failed, MOST_RETRY_MS),
    )
    resting.set(reader, timer.unref())
  }

  function isBehind(reader: LogReader): boolean {
    return (tried(reader, reader.from) ?? Infinity) < (came.get(reader) ?? 0)
  }

  async function catchUp(of: Pick<AuditLog, 'size'>): Promise<void> {
    const mine = ++round
    atEnd = false
    let next = of.size()
    for (const reader of readers) {
      const from = tried(reader, reader.from)
      if (from === undefined) continue
      came.set(reader, from)
      next = Math.min(next, from)
    }
    while (next < of.size()) {
      let batch: LoggedLine[] = []
      for (const { index, line } of readLog({ directory, from: next })) {
        next = index + 1
        if (line.kind === 'event') batch.push(openedEntry(index, line, vault))
        else if (line.kind === 'finding') batch.push(openedFinding(index, line, vault))
        if (batch.length < AT_ONCE) continue
        give(batch)
        batch = []
        await turn()
        if (mine !== round) return
      }
      give(batch)
    }
    atEnd = true
  }

  function again(): void {
    if (log !== undefined) catchUp(log).catch(onFault)
  }

  return {
    begin(of) {
      log = of
      for (const reader of readers) tried(reader, () => reader.begin?.())
      again()
    },
    appended(lines) {
      if (!atEnd) return
      waiting.push(...lines)
      if (giving) return
      giving = true
      try {
        while (waiting.length > 0) {
          // What is left waiting is read from the files then.
          if (readers.some(isBehind)) return again()
          give(waiting.splice(0))
        }
      } finally {
        giving = false
        waiting = []
      }
    },
    again,
    isCaughtUp: () => atEnd && resting.size === 0,
    stop() {
      log = undefined
      round++
      atEnd = false
      for (const timer of resting.values()) clearTimeout(timer)
      resting.clear()
    },
  }
}
