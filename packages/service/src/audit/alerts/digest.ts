import { SEVERITIES, type Severity } from '../finding.ts'
import {
  type Alert,
  alertId,
  MOST_MOMENTS,
  ownAlert,
  rankOf,
  type SeverityCounts,
} from './alert.ts'

/** Why alerts come as one: they had to wait, or too many of them did. */
export type DigestCause = 'waited' | 'overflow'

const TITLES: Readonly<Record<DigestCause, string>> = {
  waited: 'alerts in one, for quiet hours or the rate of this target',
  overflow: 'alerts in one, because too many were waiting',
}

/** One alert that stands for many, digests among them. Throws for none. */
export function digestOf(
  alerts: readonly Alert[],
  { cause, at }: { readonly cause: DigestCause; readonly at: number },
): Alert {
  const counts = SEVERITIES.map((severity) => [
    severity,
    alerts.reduce((sum, alert) => sum + countsOf(alert)[severity], 0),
  ]) satisfies [Severity, number][]
  const total = counts.reduce((sum, [, count]) => sum + count, 0)
  const [worst] = alerts.toSorted((a, b) => rankOf(b.severity) - rankOf(a.severity))
  if (worst === undefined) throw new TypeError('A digest stands for at least one alert.')
  const moments = alerts.flatMap((alert) =>
    alert.counts === null ? momentOf(alert) : alert.timeline,
  )
  return ownAlert({
    id: alertId(['digest', cause, ...alerts.map(({ id }) => id)]),
    change: 'digest',
    at,
    severity: worst.severity,
    title: `${total} ${TITLES[cause]}`,
    text: `${counts
      .filter(([, count]) => count > 0)
      .map(([severity, count]) => `${count} ${severity}`)
      .reverse()
      .join(', ')}. "holdfast alerts list" shows each.`,
    rules: [...new Set(alerts.flatMap(({ rules }) => rules))].slice(-20),
    timeline: moments.toSorted((a, b) => a.at - b.at).slice(-MOST_MOMENTS),
    command: 'holdfast alerts list',
    counts: Object.fromEntries(counts) as SeverityCounts,
  })
}

function momentOf({ at, rules, title }: Alert): Alert['timeline'] {
  return [{ at, rule: rules.at(-1) ?? '', title, count: 1 }]
}

function countsOf(alert: Alert): SeverityCounts {
  return alert.counts ?? { low: 0, medium: 0, high: 0, critical: 0, [alert.severity]: 1 }
}
