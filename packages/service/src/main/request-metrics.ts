import { Counter, Histogram, type Registry } from 'prom-client'
import type { Metrics } from './metrics.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS']

/** What callers of the API were answered. */
export function requestMetrics(registers: Registry[]): Pick<Metrics, 'answered' | 'shed'> {
  const shed = new Counter({
    name: 'holdfast_requests_shed_total',
    help: 'Requests that were answered 503, because there is more to do than this process can.',
    registers,
  })
  const requests = new Histogram({
    name: 'holdfast_http_request_duration_seconds',
    help: 'Time to answer a request of the API, by route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  })
  const byRoute = new Map<string, Map<number, Map<string, Series>>>()
  /** Looked up step by step: a key made of all labels costs as much as the rest of a count. */
  function seriesOf(method: string, route: string, status: number): Series {
    const byStatus = entryOf(byRoute, route, () => new Map<number, Map<string, Series>>())
    const byMethod = entryOf(byStatus, status, () => new Map<string, Series>())
    return entryOf(byMethod, method, () => requests.labels(method, route, String(status)))
  }
  return {
    answered({ method, route, status, ms }) {
      const known = METHODS.includes(method) ? method : 'other'
      seriesOf(known, route, status).observe(ms / 1_000)
    },
    shed: () => shed.inc(),
  }
}

interface Series {
  observe(seconds: number): void
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const before = map.get(key)
  if (before !== undefined) return before
  const made = make()
  map.set(key, made)
  return made
}

/** What gateways were answered. */
export function gateMetrics(registers: Registry[]): Pick<Metrics, 'gate'> {
  const requests = new Counter({
    name: 'holdfast_gate_requests_total',
    help: 'Answers to gateways, by dialect and status.',
    labelNames: ['dialect', 'status'],
    registers,
  })
  const duration = new Histogram({
    name: 'holdfast_gate_request_duration_seconds',
    help: 'Time to answer a gateway, by dialect.',
    labelNames: ['dialect'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers,
  })
  const rejected = new Counter({
    name: 'holdfast_gate_rejected_total',
    help: 'Requests of gateways that could not be judged, by dialect and what was wrong with them.',
    labelNames: ['dialect', 'reason'],
    registers,
  })
  return {
    gate({ dialect, status, ms, reason }) {
      requests.inc({ dialect, status: String(status) })
      duration.observe({ dialect }, ms / 1_000)
      if (reason !== undefined) rejected.inc({ dialect, reason })
    },
  }
}
