import { SessionError } from 'holdfast'
import type { Database, SqlRow, SqlValue } from '../database.ts'
import { type Alert, rankOf } from './alert.ts'
import type { AlertPage, AlertQuery, AlertView, DeliveryView } from './alerts.ts'

/** The outbox as operators and metrics see it. */
export interface OutboxView {
  list(query: AlertQuery): AlertPage
  show(id: string): AlertView | undefined
  counts(): readonly OutboxCounts[]
}

/** Of one target. */
export interface OutboxCounts {
  readonly target: string
  readonly pending: number
  readonly dead: number
  readonly folded: number
  /** How long the oldest pending one has been due, ms; 0 where none is. */
  readonly oldestMs: number
}

const PAGE = 50
const MOST_PAGE = 200

export function outboxView(database: Database, now: () => number): OutboxView {
  function viewOf({ body }: SqlRow): AlertView {
    const { command: _, notice: _notice, ...alert }: Alert = JSON.parse(String(body))
    const rows = database.all(
      `SELECT target, state, attempts, due, settled, problem FROM alert_deliveries
        WHERE alert = ? ORDER BY seq`,
      [alert.id],
    )
    return { ...alert, deliveries: rows.map(deliveryOf) }
  }

  return {
    list({ state, severity, incident, limit = PAGE, after }) {
      const wanted: [sql: string, ...values: SqlValue[]][] = []
      if (after !== undefined) wanted.push(['(a.at, a.id) < (?, ?)', ...positionOf(after)])
      if (severity !== undefined) wanted.push(['a.severity >= ?', rankOf(severity)])
      if (state !== undefined) wanted.push([`${HAS_DELIVERY} state = ?)`, state])
      if (incident !== undefined) wanted.push([`${HAS_DELIVERY} incident = ?)`, incident])
      const conditions = wanted.map(([sql]) => ` AND ${sql}`).join('')
      const most = Math.min(limit, MOST_PAGE)
      const rows = database.all(
        `SELECT a.id, a.at, a.body FROM alerts a WHERE true${conditions}
          ORDER BY a.at DESC, a.id DESC LIMIT ?`,
        [...wanted.flatMap(([, ...values]) => values), most + 1],
      )
      const last = rows.length > most ? rows[most - 1] : undefined
      const items = rows.slice(0, most).map(viewOf)
      return last === undefined ? { items } : { items, next: `${last.at}.${last.id}` }
    },

    show(id) {
      const [row] = database.all('SELECT body FROM alerts WHERE id = ?', [id])
      return row === undefined ? undefined : viewOf(row)
    },

    counts() {
      const t = now()
      const rows = database.all(
        `SELECT target, sum(state = 'pending') AS pending, sum(state = 'dead') AS dead,
          sum(state = 'folded') AS folded,
          min(CASE WHEN state = 'pending' THEN since END) AS oldest
          FROM alert_deliveries GROUP BY target ORDER BY target`,
      )
      return rows.map(({ target, pending, dead, folded, oldest }) => ({
        target: String(target),
        pending: Number(pending),
        dead: Number(dead),
        folded: Number(folded),
        oldestMs: oldest === null ? 0 : Math.max(0, t - Number(oldest)),
      }))
    },
  }
}

const HAS_DELIVERY = 'EXISTS (SELECT 1 FROM alert_deliveries WHERE alert = a.id AND'

function positionOf(cursor: string): [at: number, id: string] {
  const [, at, id] = /^(\d{1,15})\.(alert_[\w-]{22})$/.exec(cursor) ?? []
  if (at !== undefined && id !== undefined) return [Number(at), id]
  throw new SessionError('invalid_input', 'That is no cursor of an earlier answer.')
}

function deliveryOf(row: SqlRow): DeliveryView {
  const { target, state, attempts, due, settled, problem } = row
  return {
    target: String(target),
    state: state as DeliveryView['state'],
    attempts: Number(attempts),
    dueAt: state === 'pending' ? Number(due) : null,
    settledAt: settled === null ? null : Number(settled),
    problem: problem === null ? null : String(problem),
  }
}
