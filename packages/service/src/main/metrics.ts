import type { Refreshed, SessionEvent, Verification } from 'holdfast'
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'

/** What the service counts, in a registry of its own. */
export interface Metrics {
  answered(request: {
    readonly method: string
    readonly route: string
    readonly status: number
    readonly ms: number
  }): void
  verified(verification: Verification): void
  refreshed(refreshed: Refreshed): void
  happened(event: SessionEvent): void
  /** Prometheus text format. */
  text(): Promise<string>
  readonly contentType: string
}

const METHODS = ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS']

/** Labels come from closed lists only: a client must not be able to make the registry grow. */
export function serviceMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Histogram({
    name: 'holdfast_http_request_duration_seconds',
    help: 'Time to answer a request of the API, by route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  })
  const verifications = new Counter({
    name: 'holdfast_verifications_total',
    help: 'Judged presentations, by outcome and code (ok when there is no refusal).',
    labelNames: ['outcome', 'code'],
    registers,
  })
  const refreshes = new Counter({
    name: 'holdfast_refreshes_total',
    help: 'Refresh tokens, by how they came: normal, resent, response_lost, in_flight, other_context (the session ended), forked, refused.',
    labelNames: ['row'],
    registers,
  })
  const events = new Counter({
    name: 'holdfast_events_total',
    help: 'Security events, by type.',
    labelNames: ['type'],
    registers,
  })

  return {
    answered({ method, route, status, ms }) {
      const known = METHODS.includes(method) ? method : 'other'
      requests.observe({ method: known, route, status: String(status) }, ms / 1_000)
    },
    verified(verification) {
      const outcome = verification.decision?.outcome ?? 'none'
      verifications.inc({ outcome, code: verification.ok ? 'ok' : verification.code })
    },
    refreshed(refreshed) {
      refreshes.inc({ row: rowOf(refreshed) })
    },
    happened({ type }) {
      events.inc({ type })
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

function rowOf(refreshed: Refreshed): string {
  if (refreshed.ok) return refreshed.row
  const reasons = (refreshed.decision?.because ?? []).map(({ reason }) => reason)
  if (reasons.includes('refresh_reused')) return 'other_context'
  return reasons.includes('secret_forked') ? 'forked' : 'refused'
}
