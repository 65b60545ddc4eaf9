import type { Severity } from '../finding.ts'
import type { Alert } from './alert.ts'

/** What became of a delivery. `folded`: a digest stands for it, which `problem` names. */
export const DELIVERY_STATES = ['pending', 'delivered', 'dead', 'folded'] as const

export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** What the API and the command line ask of the process that has the outbox. */
export interface Alerts {
  /** Newest first. Throws `invalid_input` for a cursor of nobody. */
  list(query: AlertQuery): Promise<AlertPage>
  /** Undefined when there is no such alert, or none any more. */
  show(id: string): Promise<AlertView | undefined>
  /** Sends an alert that says that it is a test. Undefined when there is no such target. */
  test(target: string | undefined): Promise<SentAlert | undefined>
  /** Sends it once more where it is dead or delivered; undefined when there is no such alert. */
  replay(id: string, target: string | undefined): Promise<Replayed | undefined>
}

export interface AlertQuery {
  /** Alerts with a delivery in this state. */
  readonly state?: DeliveryState
  /** Of this severity or worse. */
  readonly severity?: Severity
  readonly incident?: string
  readonly limit?: number
  readonly after?: string
}

export interface AlertPage {
  readonly items: readonly AlertView[]
  /** Absent: there are no more. */
  readonly next?: string
}

/** An alert as operators see it, with what became of it. */
export interface AlertView extends Omit<Alert, 'command' | 'notice'> {
  readonly deliveries: readonly DeliveryView[]
}

export interface DeliveryView {
  readonly target: string
  readonly state: DeliveryState
  readonly attempts: number
  /** When it is tried next; null when it is settled. */
  readonly dueAt: number | null
  readonly settledAt: number | null
  readonly problem: string | null
}

export interface SentAlert {
  readonly id: string
  readonly targets: readonly string[]
}

export interface Replayed {
  /** How many deliveries are due again. */
  readonly deliveries: number
}
