import type { Severity } from '../finding.ts'
import { type Alert, isClosing, rankOf } from './alert.ts'
import { type QuietHours, quietUntil } from './quiet-hours.ts'

/** Which alerts go where. What is left out fits every alert. */
export interface Route {
  /** Of this severity or worse. */
  readonly severity?: Severity | undefined
  /** One of these rules found something. */
  readonly rules?: readonly string[] | undefined
  readonly tenants?: readonly string[] | undefined
  /** Names of targets. `none` has to be written: no alert goes nowhere by mistake. */
  readonly to: readonly string[] | 'none'
  readonly quiet?: QuietHours | undefined
}

/** One target of an alert, and until when it waits for it. */
export interface Planned {
  readonly target: string
  readonly holdUntil: number | null
}

/**
 * Where an alert goes: the first route that fits decides, and where none does, it goes to all
 * targets. In quiet hours it waits, unless it is critical or tells that something is over.
 */
export function planOf(
  alert: Alert,
  { routes, targets }: { readonly routes: readonly Route[]; readonly targets: readonly string[] },
  now: number,
): readonly Planned[] {
  const route = routes.find((one) => fits(one, alert))
  const to = route?.to ?? targets
  if (to === 'none') return []
  const passes = alert.severity === 'critical' || isClosing(alert)
  const until = passes || route?.quiet === undefined ? undefined : quietUntil(route.quiet, now)
  return to.map((target) => ({ target, holdUntil: until ?? null }))
}

function fits({ severity, rules, tenants }: Route, alert: Alert): boolean {
  if (severity !== undefined && rankOf(alert.severity) < rankOf(severity)) return false
  if (rules !== undefined && !alert.rules.some((rule) => rules.includes(rule))) return false
  return tenants === undefined || (alert.tenant !== null && tenants.includes(alert.tenant))
}
