import type { LoggedLine } from '../entry.ts'
import { deliveryCursor } from './delivery-cursor.ts'
import { outageOf } from './outage.ts'
import { type AuditOutput, type OutputDependencies, problemOf, timer } from './output.ts'
import { boundedQueue, type QueueBounds, type Shipment } from './queue.ts'

/** What became of a batch. */
export type Attempt =
  /** The receiver has it; `refused` of it were refused one by one. */
  | { readonly ok: true; readonly refused?: number }
  /** To be tried again, or, where the receiver does not want this batch as it is, in halves. */
  | {
      readonly ok: false
      readonly problem: string
      readonly retryAfterMs?: number
      readonly refused?: true
    }

/** A way to a receiver. */
export interface Carrier {
  /** One entry as text. */
  encode(entry: LoggedLine): string
  /** Tries once, within a time of its own. What it throws is a problem like another. */
  attempt(batch: readonly Shipment[], signal: AbortSignal): Promise<Attempt>
  /** Where there are no answers: how long a connection must go on until what it took counts. */
  readonly settleMs?: number
  close(): void
}

export interface DeliveryOptions {
  readonly name: string
  /** What may wait. */
  readonly queue: QueueBounds
  /** What goes out at once. */
  readonly batch: QueueBounds
  /** Pause after the first failure, doubled with each, and the longest. Half of it is chance. */
  readonly backOff: { readonly firstMs: number; readonly mostMs: number }
}

/** A batch that the receiver has, and since when. */
interface Taken {
  readonly count: number
  /** Index of its last entry. */
  readonly last: number
  readonly refused: number
  readonly at: number
}

/** A receiver may ask for a longer pause than ours, up to this. */
const MOST_RETRY_AFTER_MS = 300_000

export interface Delivery extends AuditOutput {
  /** The connection has broken: what is not settled goes out again. */
  broken(problem: string): void
}

/**
 * Brings entries to a receiver that may be slow or away: they wait in a bounded queue, go out in
 * batches one after another, and are tried again after pauses. When the queue is full the newest
 * are dropped, so that the cursor keeps its place.
 */
export function delivery(
  carrier: Carrier,
  options: DeliveryOptions,
  dependencies: OutputDependencies,
): Delivery {
  const { name, backOff } = options
  const { now, random, later = timer } = dependencies
  const { settleMs = 0 } = carrier
  const queue = boundedQueue(options.queue)
  const cursor = deliveryCursor()
  const outage = outageOf(name, dependencies)
  const stopped = new AbortController()
  /** What is not settled, oldest first. */
  let unsure: Taken[] = []
  let broke = false
  let sent = 0
  let failures = 0
  let most = options.batch.entries
  let closing = false
  let running: Promise<void> | undefined

  function settle(): void {
    for (let [first] = unsure; first !== undefined; [first] = unsure) {
      const age = now() - first.at
      // A clock that was set back must not keep entries for as long as it was wrong.
      if (age >= 0 && age < settleMs) return
      unsure.shift()
      queue.settle(first.count)
      cursor.acknowledged(first.last)
      if (first.refused > 0) continue
      failures = 0
      outage.worked()
    }
  }

  function taken(batch: readonly Shipment[], refused: number): void {
    queue.take(batch.length)
    const last = batch.at(-1)?.index ?? 0
    unsure.push({ count: batch.length, last, refused, at: now() })
    sent += batch.length - refused
    settle()
  }

  async function run(): Promise<void> {
    while (queue.waiting() > 0 && !stopped.signal.aborted) {
      if (broke) {
        broke = false
        await pause(jittered())
        continue
      }
      const batch = queue.next({ ...options.batch, entries: most })
      const result = await attempted(batch)
      // The queue was rewound meanwhile: the batch is not what comes next.
      if (broke) continue
      if (result.ok) {
        const { refused = 0 } = result
        taken(batch, refused)
        if (refused > 0) outage.dropped(refused, 'the receiver refuses entries')
        most = Math.min(most * 2, options.batch.entries)
      } else {
        refuse(result, batch)
        failures++
        await pause(Math.max(jittered(), Math.min(result.retryAfterMs ?? 0, MOST_RETRY_AFTER_MS)))
      }
    }
  }

  /** One entry that a receiver cannot read must not hold up or take with it all the others. */
  function refuse(result: Attempt & { readonly ok: false }, batch: readonly Shipment[]): void {
    if (result.refused === true && batch.length === 1) {
      taken(batch, 1)
      outage.dropped(1, result.problem)
      return
    }
    if (result.refused === true) most = Math.ceil(batch.length / 2)
    outage.failed(result.problem)
  }

  async function attempted(batch: readonly Shipment[]): Promise<Attempt> {
    try {
      return await carrier.attempt(batch, stopped.signal)
    } catch (error) {
      return { ok: false, problem: problemOf(error) }
    }
  }

  function jittered(): number {
    const whole = Math.min(backOff.firstMs * 2 ** Math.min(failures - 1, 30), backOff.mostMs)
    return (whole / 2) * (1 + (random(1)[0] ?? 0) / 256)
  }

  function pause(ms: number): Promise<void> {
    if (stopped.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = later(ms, done)
      stopped.signal.addEventListener('abort', done, { once: true })
      function done(): void {
        cancel()
        stopped.signal.removeEventListener('abort', done)
        resolve()
      }
    })
  }

  function wake(): void {
    running ??= run().finally(() => {
      running = undefined
    })
  }

  return {
    name,
    send(entries) {
      const [first] = entries
      if (first === undefined) return
      settle()
      cursor.begins(first.index)
      for (const entry of entries) {
        const text = carrier.encode(entry)
        const shipment = { index: entry.index, text, bytes: Buffer.byteLength(text) }
        if (!closing && queue.push(shipment)) continue
        cursor.missed(entry.index)
        outage.dropped(1, closing ? 'it is closed' : (outage.failing() ?? 'its queue is full'))
      }
      if (!closing) wake()
    },
    state() {
      settle()
      const { droppedSoFar, failing } = outage
      return { sent, dropped: droppedSoFar(), queued: queue.unsettled(), failing: failing() }
    },
    delivered() {
      settle()
      return cursor.value()
    },
    broken(problem) {
      settle()
      if (unsure.length === 0 || stopped.signal.aborted) return
      broke = true
      failures++
      sent -= unsure.reduce((sum, { count, refused }) => sum + count - refused, 0)
      unsure = []
      queue.rewind()
      outage.failed(problem)
      wake()
    },
    async close(timeoutMs) {
      closing = true
      await Promise.race([running, pause(timeoutMs)])
      stopped.abort()
      await running
      carrier.close()
      const left = queue.waiting()
      if (left > 0) outage.dropped(left, 'it was closed before everything was delivered')
    },
  }
}
