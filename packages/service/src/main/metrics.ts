import type { SessionEvent, Verification } from 'holdfast'
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
  /** An answer to a gateway; `why` where it was not a decision. */
  gate(answer: {
    readonly dialect: string
    readonly status: number
    readonly ms: number
    readonly why?: string | undefined
  }): void
  happened(event: SessionEvent): void
  /** A verification was answered from a local copy, or had to read the store. */
  copyAsked(state: 'hit' | 'miss'): void
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

  const gateRequests = new Counter({
    name: 'holdfast_gate_requests_total',
    help: 'Answers to gateways, by dialect and status.',
    labelNames: ['dialect', 'status'],
    registers,
  })
  const gateDuration = new Histogram({
    name: 'holdfast_gate_request_duration_seconds',
    help: 'Time to answer a gateway, by dialect.',
    labelNames: ['dialect'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers,
  })
  const gateMistakes = new Counter({
    name: 'holdfast_gate_rejected_total',
    help: 'Requests of gateways that could not be judged, by dialect and what was wrong with them.',
    labelNames: ['dialect', 'why'],
    registers,
  })

  const copies = new Counter({
    name: 'holdfast_local_copies',
    help: 'Verifications with local copies on: hit when a copy answered, miss when the store was read.',
    labelNames: ['state'],
    registers,
  })
  const copy = { hit: copies.labels('hit'), miss: copies.labels('miss') }

  return {
    copyAsked: (state) => copy[state].inc(),
    gate({ dialect, status, ms, why }) {
      gateRequests.inc({ dialect, status: String(status) })
      gateDuration.observe({ dialect }, ms / 1_000)
      if (why !== undefined) gateMistakes.inc({ dialect, why })
    },
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
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
