import type { SessionEvent, Verification } from 'holdfast'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the service counts, in a registry of its own. */
export interface Metrics {
  answered(request: {
    readonly method: string
    readonly route: string
    readonly status: number
    readonly ms: number
  }): void
  verified(verification: Verification): void
  happened(event: SessionEvent): void
  /** How many streams of revocations are open. */
  revocationReaders(count: number): void
  /** One was passed on, so long after it was made. */
  revoked(entry: { readonly kind: 'revoked' | 'subject'; readonly lagMs: number }): void
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
  const events = new Counter({
    name: 'holdfast_events_total',
    help: 'Security events, by type.',
    labelNames: ['type'],
    registers,
  })
  const readers = new Gauge({
    name: 'holdfast_revocation_readers',
    help: 'Streams of revocations that are open.',
    registers,
  })
  const lag = new Histogram({
    name: 'holdfast_revocation_feed_lag_seconds',
    help: 'From a revocation, in this process or another, to its sending to all readers. Clocks of machines differ.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  })
  const revocations = new Counter({
    name: 'holdfast_revocations_total',
    help: 'Revocations that were passed on, of sessions and of subjects.',
    labelNames: ['kind'],
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
    happened({ type }) {
      events.inc({ type })
    },
    revocationReaders: (count) => readers.set(count),
    revoked({ kind, lagMs }) {
      lag.observe(Math.max(0, lagMs) / 1_000)
      revocations.inc({ kind })
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
