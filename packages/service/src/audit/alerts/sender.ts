import type { ProblemLog } from '../problem-log.ts'
import type { Claim, Outbox } from './outbox.ts'
import { rateLimit } from './rate-limit.ts'
import type { Delivery, OpenTargets } from './target.ts'

/** The loop that empties the outbox. */
export interface Sender {
  start(): void
  /** Claims no more, and lets what is on its way arrive for a moment. */
  stop(): Promise<void>
  /** Looks at the outbox at once, for a clock that was moved. The outbox itself wakes it. */
  wake(): void
  /** By target, since the start. */
  state(): Readonly<Record<string, SenderState>>
}

export interface SenderState {
  readonly delivered: number
  /** Tries that failed. */
  readonly failed: number
  readonly dead: number
}

export interface SenderOptions {
  readonly outbox: Outbox
  readonly targets: OpenTargets
  readonly now: () => number
  readonly log: ProblemLog
  /** Longest try. The lease of a claim has to be longer. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 15_000
/**
 * Nothing is waited for longer without a look, which costs microseconds: another process may have
 * put something into the same outbox, and the clock may jump.
 */
const LONGEST_WAIT_MS = 1_000
const AFTER_FAULT_MS = 1_000
const PRUNE_EVERY_MS = 600_000
const GRACE_MS = 2_000

/**
 * One delivery a target at a time, so that a receiver that hangs holds up nobody else, and the
 * number of targets bounds how many there are at once.
 */
export function createSender({
  outbox,
  targets,
  now,
  log,
  timeoutMs = TIMEOUT_MS,
}: SenderOptions): Sender {
  const names = Object.keys(targets)
  const lanes = new Map(names.map((name) => [name, laneOf(targets[name]?.perMinute ?? 1)]))
  let started = false
  let looking = false
  let timer: NodeJS.Timeout | undefined
  let prunedAt = Number.NEGATIVE_INFINITY

  /** Never within the caller's transaction: what it has enqueued is not on disk before. */
  function wake(): void {
    if (!started || looking) return
    looking = true
    setImmediate(look)
  }

  function look(): void {
    looking = false
    if (!started) return
    clearTimeout(timer)
    prune()
    const waits = [...lanes].map(([name, lane]) => (lane.busy === undefined ? next(name, lane) : 0))
    const waitMs = Math.min(LONGEST_WAIT_MS, ...waits.filter((ms) => ms > 0))
    timer = setTimeout(look, waitMs)
  }

  /** As {@link advance}. What is wrong with the rows of one target holds up no other. */
  function next(name: string, lane: Lane): number {
    try {
      return advance(name, lane)
    } catch (error) {
      log.error({ target: name, err: error }, 'The outbox of alerts cannot be read.')
      return AFTER_FAULT_MS
    }
  }

  /** Starts the next delivery of a target, or tells how long there is nothing to do. */
  function advance(name: string, lane: Lane): number {
    const t = now()
    const blockedMs = lane.limit.waitMs(t)
    if (blockedMs > 0) {
      outbox.hold(name, t + blockedMs)
      return blockedMs
    }
    const claim = outbox.claim(name)
    if (claim === undefined) {
      const at = outbox.nextAt(name)
      return at === undefined ? LONGEST_WAIT_MS : Math.max(at - t, 1)
    }
    lane.limit.take(t)
    lane.abort = new AbortController()
    lane.busy = deliver(claim, lane).finally(() => {
      lane.busy = undefined
      wake()
    })
    return LONGEST_WAIT_MS
  }

  async function deliver(claim: Claim, lane: Lane): Promise<void> {
    const delivery = await tried(claim, lane)
    const { target, alert, attempt } = claim
    const line = { target, alert: alert.id, attempt }
    let state: ReturnType<Outbox['settle']>
    try {
      state = outbox.settle(claim, delivery)
    } catch (error) {
      // It comes again when the lease is over: twice is better than never.
      log.error({ ...line, err: error }, 'What came of an alert cannot be noted.')
      return
    }
    if (delivery === 'delivered') {
      lane.delivered++
      return
    }
    lane.failed++
    const problem = 'dead' in delivery ? delivery.dead : delivery.problem
    if (state === 'dead') {
      lane.dead++
      log.error({ ...line, problem }, 'An alert is given up. "holdfast alerts replay" sends it.')
    } else log.warn({ ...line, problem }, 'An alert has not arrived and is tried again.')
  }

  async function tried({ target, alert }: Claim, lane: Lane): Promise<Delivery> {
    const one = targets[target]
    if (one === undefined) return { dead: 'The target is not configured any more.' }
    const { signal } = lane.abort
    const late = new Promise<Delivery>((resolve) => {
      const problem = 'It did not answer in time.'
      signal.addEventListener('abort', () => resolve({ problem }), { once: true })
    })
    const timeout = setTimeout(() => lane.abort.abort(), timeoutMs)
    try {
      return await Promise.race([one.deliver(alert, { signal }), late])
    } catch (error) {
      log.error({ target, alert: alert.id, err: error }, 'A target of alerts has a fault.')
      return { problem: 'The target has a fault; the log has it.' }
    } finally {
      clearTimeout(timeout)
    }
  }

  function prune(): void {
    if (now() - prunedAt < PRUNE_EVERY_MS) return
    try {
      if (outbox.prune() > 0) return
    } catch (error) {
      log.error({ err: error }, 'Old alerts cannot be deleted.')
    }
    prunedAt = now()
  }

  outbox.onWork(wake)

  return {
    start() {
      const given = outbox.abandon(names)
      if (given > 0) log.warn({ given }, 'Alerts waited for targets that are not configured.')
      started = true
      wake()
    },

    async stop() {
      started = false
      clearTimeout(timer)
      const grace = setTimeout(() => {
        for (const { abort } of lanes.values()) abort.abort()
      }, GRACE_MS)
      await Promise.all([...lanes.values()].map(({ busy }) => busy))
      clearTimeout(grace)
    },

    wake,

    state: () =>
      Object.fromEntries(
        [...lanes].map(([name, { delivered, failed, dead }]) => [
          name,
          { delivered, failed, dead },
        ]),
      ),
  }
}

interface Lane {
  readonly limit: ReturnType<typeof rateLimit>
  busy: Promise<void> | undefined
  /** Of the delivery that it is busy with. */
  abort: AbortController
  delivered: number
  failed: number
  dead: number
}

function laneOf(perMinute: number): Lane {
  return {
    limit: rateLimit(perMinute),
    busy: undefined,
    abort: new AbortController(),
    delivered: 0,
    failed: 0,
    dead: 0,
  }
}
