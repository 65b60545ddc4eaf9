import type { Database, SqlRow } from '../database.ts'
import { ERASED } from '../finding.ts'
import { type Alert, isClosing, rankOf } from './alert.ts'
import type { DeliveryState } from './alerts.ts'
import { retryDelayMs } from './back-off.ts'
import { type DigestCause, digestOf } from './digest.ts'
import { inert } from './inert-text.ts'
import { prepareTables } from './outbox-tables.ts'
import type { Planned } from './routes.ts'
import type { Delivery } from './target.ts'

/** An alert on its way to one target, for whoever claimed it. */
export interface Claim {
  readonly seq: number
  readonly target: string
  readonly alert: Alert
  /** How many tries there were, this one included. Tells a claim from later ones of its row. */
  readonly attempt: number
  readonly since: number
}

/**
 * Alerts between their incident and their receivers. Each goes at least once to each of its
 * targets: what was claimed and not settled comes again when its lease is over.
 */
export interface Outbox {
  /**
   * Within the caller's transaction, so that an incident and its alerts are one commit. An alert
   * that is there already goes to no target twice.
   */
  enqueue(alert: Alert, planned: readonly Planned[]): void
  /** The next due alert of a target, worst first; those of one incident keep their order. */
  claim(target: string): Claim | undefined
  /** Notes what came of a claim. Undefined: another one has the row by now. */
  settle(claim: Claim, delivery: Delivery): DeliveryState | undefined
  /** Lets what is due at a target wait: then it comes as one digest. The worst is not held. */
  hold(target: string, until: number): void
  /** When a target has something to do next; undefined for never. */
  nextAt(target: string): number | undefined
  /** Gives up what waits for targets that are not there any more. */
  abandon(targets: readonly string[]): number
  /** Sends dead and delivered ones again. Answers how many deliveries are due now. */
  replay(id: string, target: string | undefined): number
  /** Takes what tells who a subject is out of its alerts, sent or not. Answers how many. */
  forget(subject: string): number
  /**
   * Deletes some of what is settled and old, or was settled before an instant. Answers how many
   * rows: 0 when all is done.
   */
  prune(before?: number): number
  /** Called after each change that a sender should look at, maybe within a transaction. */
  onWork(listener: () => void): void
}

export interface OutboxOptions {
  readonly database: Database
  readonly now: () => number
  readonly random: (size: number) => Uint8Array
  /**
   * Most waiting alerts a target. Beyond it the oldest of the least severity become one; the
   * oldest notices, which are for different people, are given up.
   */
  readonly mostPending?: number
  /** How long a claim keeps its row from others. Longer than any delivery takes. */
  readonly leaseMs?: number
  /** How long an alert is tried before it is dead. */
  readonly retryForMs?: number
  readonly keepMs?: number
}

/** Claims that a loss of power takes back are made again: an alert may arrive twice. */
const UNSYNCED = { sync: false }

const MOST_PENDING = 1_000
const LEASE_MS = 30_000
const DAY_MS = 86_400_000
const KEEP_MS = 30 * DAY_MS
/** Settled rows that are kept, whatever their age. */
const MOST_KEPT = 100_000
const PRUNED_AT_ONCE = 500
const MOST_PROBLEM = 200
const CRITICAL = rankOf('critical')

/** No row is due later than that by itself: if it seems so, the clock was set back. */
const LATEST_RETRY_MS = 3_600_000

export function createOutbox({
  database,
  now,
  random,
  mostPending = MOST_PENDING,
  leaseMs = LEASE_MS,
  retryForMs = DAY_MS,
  keepMs = KEEP_MS,
}: OutboxOptions): Outbox {
  const listeners: (() => void)[] = []
  prepareTables(database)

  function insert(alert: Alert, planned: readonly Planned[], t: number): string[] {
    const severity = rankOf(alert.severity)
    database.run('INSERT OR IGNORE INTO alerts (id, at, severity, body) VALUES (?, ?, ?, ?)', [
      alert.id,
      alert.at,
      severity,
      JSON.stringify(alert),
    ])
    const kind = kindOf(alert)
    return planned.flatMap(({ target, holdUntil }) => {
      const due = holdUntil ?? t
      const held = holdUntil === null ? 0 : 1
      if (holdUntil === null && kind === 'alert') letGo(target, alert.incident, t)
      const added = database.run(
        `INSERT OR IGNORE INTO alert_deliveries
          (alert, target, incident, severity, kind, state, held, due, since)
          VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?)`,
        [alert.id, target, alert.incident, severity, kind, held, due, due],
      )
      return added === 0 ? [] : [target]
    })
  }

  /** What is urgent goes after all that was said of its incident, which is not held any more. */
  function letGo(target: string, incident: string | null, t: number): void {
    database.run(
      `UPDATE alert_deliveries SET held = 0, due = ?
        WHERE target = ? AND incident = ? AND state = 'pending' AND held = 1`,
      [t, target, incident],
    )
  }

  /** Puts one digest in the place of waiting rows. */
  function fold(target: string, rows: readonly SqlRow[], cause: DigestCause): void {
    if (rows.length < 2) return
    const t = now()
    const digest = digestOf(
      rows.map(({ body }) => JSON.parse(String(body))),
      { cause, at: t },
    )
    for (const { seq } of rows) {
      database.run(
        "UPDATE alert_deliveries SET state = 'folded', settled = ?, problem = ? WHERE seq = ?",
        [t, digest.id, seq ?? null],
      )
    }
    insert(digest, [{ target, holdUntil: null }], t)
  }

  function foldOverflow(target: string): void {
    const [row] = database.all(
      "SELECT count(*) AS n FROM alert_deliveries WHERE target = ? AND state = 'pending'",
      [target],
    )
    const tooMany = Number(row?.n ?? 0) - mostPending
    if (tooMany <= 0) return
    const given = database.run(
      `UPDATE alert_deliveries SET state = 'dead', settled = ?, problem = ?
        WHERE seq IN (SELECT seq FROM alert_deliveries
          WHERE target = ? AND state = 'pending' AND kind = 'notice' ORDER BY seq LIMIT ?)`,
      [now(), 'Too many notices were waiting.', target, tooMany],
    )
    if (given > 0) return
    const rows = database.all(
      `${ROWS} WHERE d.target = ? AND d.state = 'pending' AND d.kind <> 'closing'
        AND (d.leased IS NULL OR d.leased <= ?)
        ORDER BY d.kind = 'digest' DESC, d.severity, d.seq LIMIT ?`,
      [target, now(), Math.max(2, Math.ceil(mostPending / 10))],
    )
    fold(target, rows, 'overflow')
  }

  function foldHeld(target: string, t: number): void {
    const held = database.all(
      `${ROWS} WHERE d.target = ? AND d.state = 'pending' AND d.held = 1 AND d.due <= ?
        AND d.attempts = 0 ORDER BY d.seq`,
      [target, t],
    )
    fold(target, held, 'waited')
  }

  function dueRow(target: string, t: number): SqlRow | undefined {
    const [row] = database.all(
      `${ROWS} WHERE d.target = ? AND d.state = 'pending'
        AND (d.due <= ? OR (d.held = 0 AND d.due > ?))
        AND (d.leased IS NULL OR d.leased <= ? OR d.leased > ?)
        AND ${FIRST_OF_INCIDENT}
        ORDER BY d.severity DESC, d.seq LIMIT 1`,
      [target, t, t + LATEST_RETRY_MS, t, t + leaseMs],
    )
    return row
  }

  function worked(): void {
    for (const listener of listeners) listener()
  }

  return {
    enqueue(alert, planned) {
      const added = insert(alert, planned, now())
      for (const target of added) foldOverflow(target)
      if (added.length > 0) worked()
    },

    claim(target) {
      const claimed = (): Claim | undefined => {
        const t = now()
        foldHeld(target, t)
        const row = dueRow(target, t)
        if (row === undefined) return undefined
        const attempt = Number(row.attempts) + 1
        database.run('UPDATE alert_deliveries SET leased = ?, attempts = ? WHERE seq = ?', [
          t + leaseMs,
          attempt,
          row.seq ?? null,
        ])
        const alert: Alert = JSON.parse(String(row.body))
        return { seq: Number(row.seq), target, alert, attempt, since: Number(row.since) }
      }
      return database.transaction(claimed, UNSYNCED)
    },

    settle({ seq, attempt, since }, delivery) {
      const t = now()
      const retryAt = retryOf(delivery, attempt, t)
      const over = retryAt === undefined || retryAt > since + retryForMs
      const state = delivery === 'delivered' ? 'delivered' : over ? 'dead' : 'pending'
      const settled = (): number =>
        database.run(
          `UPDATE alert_deliveries
            SET state = ?, leased = NULL, held = 0, due = ?, settled = ?, problem = ?
            WHERE seq = ? AND attempts = ? AND state = 'pending'`,
          [state, retryAt ?? t, state === 'pending' ? null : t, problemOf(delivery), seq, attempt],
        )
      const changed = database.transaction(settled, UNSYNCED)
      return changed === 0 ? undefined : state
    },

    hold(target, until) {
      database.run(
        `UPDATE alert_deliveries SET held = 1, due = ?
          WHERE target = ? AND state = 'pending' AND due <= ? AND leased IS NULL
          AND attempts = 0 AND kind NOT IN ('closing', 'notice') AND severity < ?`,
        [until, target, now(), CRITICAL],
      )
    },

    nextAt(target) {
      const [row] = database.all(
        `SELECT min(max(d.due, ifnull(d.leased, 0))) AS at FROM alert_deliveries d
          WHERE d.target = ? AND d.state = 'pending' AND ${FIRST_OF_INCIDENT}`,
        [target],
      )
      return row?.at === null || row?.at === undefined ? undefined : Number(row.at)
    },

    abandon(targets) {
      const known = targets.map(() => '?').join(', ')
      return database.run(
        `UPDATE alert_deliveries SET state = 'dead', settled = ?, problem = ?
          WHERE state = 'pending' AND target NOT IN (${known})`,
        [now(), 'The target is not configured any more.', ...targets],
      )
    },

    replay(id, target) {
      const t = now()
      const changed = database.run(
        `UPDATE alert_deliveries SET state = 'pending', held = 0, leased = NULL, settled = NULL,
          problem = NULL, attempts = 0, due = ?, since = ?
          WHERE alert = ? AND state IN ('dead', 'delivered') AND target = ifnull(?, target)`,
        [t, t, id, target ?? null],
      )
      if (changed > 0) worked()
      return changed
    },

    forget(subject) {
      const rows = database.all(`${TOLD_OF} SELECT body FROM alerts JOIN told USING (id)`, [
        subject,
      ])
      for (const { body } of rows) {
        const left = forgotten(JSON.parse(String(body)))
        database.run('UPDATE alerts SET body = ? WHERE id = ?', [JSON.stringify(left), left.id])
      }
      return rows.length
    },

    prune: (before = now() - keepMs) =>
      database.transaction(() => {
        const deliveries = database.run(
          `DELETE FROM alert_deliveries WHERE seq IN (SELECT seq FROM alert_deliveries
            WHERE settled < ? OR (settled IS NOT NULL
              AND seq <= (SELECT max(seq) FROM alert_deliveries) - ?) LIMIT ?)`,
          [before, MOST_KEPT, PRUNED_AT_ONCE],
        )
        const alerts = database.run(
          `DELETE FROM alerts WHERE rowid IN (SELECT rowid FROM alerts a
            WHERE (at < ? OR rowid <= (SELECT max(rowid) FROM alerts) - ?)
            AND NOT EXISTS (SELECT 1 FROM alert_deliveries WHERE alert = a.id) LIMIT ?)`,
          [before, MOST_KEPT, PRUNED_AT_ONCE],
        )
        return deliveries + alerts
      }),

    onWork(listener) {
      listeners.push(listener)
    },
  }

  function retryOf(delivery: Delivery, attempt: number, t: number): number | undefined {
    if (delivery === 'delivered' || 'dead' in delivery) return undefined
    const { retryAfterMs = 0, mostTries = Number.POSITIVE_INFINITY } = delivery
    if (attempt >= mostTries) return undefined
    const asked = Math.min(Math.max(retryAfterMs, 0), LATEST_RETRY_MS)
    return t + Math.max(asked, retryDelayMs(attempt, random))
  }
}

const ROWS = `SELECT d.seq, d.attempts, d.since, a.body
  FROM alert_deliveries d JOIN alerts a ON a.id = d.alert`

/** Alerts of a subject, and those that they became part of: these quote their titles. */
const TOLD_OF = `WITH RECURSIVE told (id) AS (
  SELECT id FROM alerts WHERE body ->> 'subject' = ?
  UNION SELECT d.problem FROM alert_deliveries d JOIN told ON d.alert = told.id
    WHERE d.state = 'folded')`

function forgotten({ notice: _, ...alert }: Alert): Alert {
  if (alert.change === 'digest') return { ...alert, timeline: [] }
  const nobody = { name: null, tenant: null, network: null, timeline: [] }
  return { ...alert, ...nobody, title: ERASED, text: '' }
}

/** A receiver that hears first that an incident is over would then keep it open for ever. */
const FIRST_OF_INCIDENT = `NOT EXISTS (SELECT 1 FROM alert_deliveries e
  WHERE e.target = d.target AND e.state = 'pending' AND e.incident = d.incident AND e.seq < d.seq)`

function kindOf(alert: Alert): 'alert' | 'closing' | 'digest' | 'notice' {
  const { change } = alert
  if (change === 'digest' || change === 'notice') return change
  return isClosing(alert) ? 'closing' : 'alert'
}

function problemOf(delivery: Delivery): string | null {
  if (delivery === 'delivered') return null
  return inert('dead' in delivery ? delivery.dead : delivery.problem, MOST_PROBLEM)
}
