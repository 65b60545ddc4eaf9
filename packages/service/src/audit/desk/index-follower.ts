import { setTimeout as pause } from 'node:timers/promises'
import { SessionError } from 'holdfast'
import { followLog, type LogFollower } from '../log/follow.ts'
import { openedEntry, type Vault } from '../log/personal.ts'
import { chainOf, lastSegment } from '../log/segments.ts'
import type { ProblemLog } from '../problem-log.ts'
import type { Batch, SharedIndex, Source } from '../search/shared/shared-index.ts'

/**
 * Brings the log of a directory into the index in PostgreSQL, at its own pace: nothing waits for
 * it. Who no longer writes the log still brings in what is there.
 */
export interface IndexFollower {
  /** This process writes the log now, or has it from earlier times. */
  begin(): void
  /** The log has grown. */
  wake(): void
  /** Whether the index has all of the log. */
  isCaughtUp(): boolean
  /** Resolves when what runs has ended. */
  close(): Promise<void>
}

export interface IndexFollowerOptions {
  readonly directory: string
  readonly vault: Pick<Vault, 'open'>
  readonly index: Pick<SharedIndex, 'prepare' | 'cursor' | 'ingest' | 'forgetRest'>
  readonly log: ProblemLog
  /** Pause after the first failure (default 1 s); doubled each time up to a minute. */
  readonly retryMs?: number
  /** How often the index is looked at where nothing happens (default 1 min): it may be new. */
  readonly lookEveryMs?: number
}

const RETRY_MS = 1_000
const MOST_RETRY_MS = 60_000
const LOOK_EVERY_MS = 60_000
/** One transaction. */
const PART = { lines: 1_000, bytes: 4 * 1_048_576 }
/** What comes within it is one transaction. */
const GATHER_MS = 100

export function indexFollower(options: IndexFollowerOptions): IndexFollower {
  const { directory, vault, index, log } = options
  const { retryMs = RETRY_MS, lookEveryMs = LOOK_EVERY_MS } = options
  let stop = new AbortController()
  let running = Promise.resolve()
  /** What was told of last: a failure by its message. */
  let told = ''
  let isCaughtUp = false
  /** The log has grown since it was looked at. */
  let hasGrown = false
  let wakeUp = (): void => {}

  /** Resolves when the log grows, or after a while. */
  async function growth(signal: AbortSignal): Promise<void> {
    const enough = new AbortController()
    wakeUp = () => enough.abort()
    if (hasGrown) return
    const either = AbortSignal.any([signal, enough.signal])
    await pause(lookEveryMs, undefined, { signal: either, ref: false }).catch(() => {})
  }

  function tell(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    if (message !== told) {
      log.error({ why: message }, 'The index in PostgreSQL gets no events: they wait in the log.')
    }
    told = message
  }

  function goesOn(): void {
    if (told !== '') log.warn({}, 'The index in PostgreSQL gets events again.')
    told = ''
  }

  async function follow(signal: AbortSignal): Promise<void> {
    const lines = followLog(directory)
    let failures = 0
    while (!signal.aborted) {
      try {
        await index.prepare()
        const source = sourceOf(directory)
        let next = await index.cursor(source)
        while (!signal.aborted) {
          hasGrown = false
          const batch = batchOf(lines, next, vault)
          if (batch === undefined) {
            isCaughtUp = true
            goesOn()
            await growth(signal)
            if (hasGrown) await pause(GATHER_MS, undefined, { signal, ref: false })
            else next = await index.cursor(source)
          } else {
            next = await index.ingest(source, batch)
            if (batch.erased !== undefined) await index.forgetRest()
          }
          failures = 0
        }
      } catch (error) {
        if (signal.aborted) break
        isCaughtUp = false
        // Another process has begun to write the same log: its lines are those that count.
        const isSucceeded = error instanceof SessionError && error.code === 'store_contended'
        if (!isSucceeded || failures > 0) tell(error)
        const ms = Math.min(retryMs * 2 ** failures++, MOST_RETRY_MS)
        await pause(ms, undefined, { signal, ref: false }).catch(() => {})
      }
    }
    lines.close()
  }

  return {
    begin() {
      stop.abort()
      isCaughtUp = false
      if (lastSegment(directory) === undefined) return
      stop = new AbortController()
      const { signal } = stop
      running = running.then(() => follow(signal))
    },
    wake() {
      isCaughtUp = false
      hasGrown = true
      wakeUp()
    },
    isCaughtUp: () => isCaughtUp,
    async close() {
      stop.abort()
      await running
    },
  }
}

function sourceOf(directory: string): Source {
  const { segments, broken } = chainOf(directory)
  const last = segments.at(-1)
  if (last === undefined || broken !== undefined) {
    throw new SessionError('record_invalid', broken?.message ?? 'The log has no segment.')
  }
  const { origin, epoch } = last.header
  const begun = segments.find(({ header }) => header.epoch === epoch)
  return { origin, epoch, first: begun?.header.index ?? 0 }
}

/** Up to the erasure of a subject, which comes between what was before it and what comes then. */
function batchOf(lines: LogFollower, from: number, vault: Pick<Vault, 'open'>): Batch | undefined {
  const part = lines.part(from, PART)
  const end = part.findIndex(({ line }) => line.kind === 'erased')
  const counted = end === -1 ? part : part.slice(0, end + 1)
  const last = counted.at(-1)
  if (last === undefined) return undefined
  const entries = counted.flatMap(({ index, line }) =>
    line.kind === 'event' ? [openedEntry(index, line, vault)] : [],
  )
  return {
    ...{ from, to: last.index + 1, entries },
    ...(last.line.kind === 'erased' ? { erased: last.line } : {}),
  }
}
