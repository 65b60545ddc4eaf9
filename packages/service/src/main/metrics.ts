import type { Code, Refreshed, SessionEvent, Verification } from 'holdfast'
import type { SigningKeys } from 'holdfast/tokens'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { AuditState } from '../audit/audit.ts'
import { auditMetrics } from './audit-metrics.ts'
import { gateMetrics, requestMetrics } from './request-metrics.ts'

/** What the service counts, in a registry of its own. */
export interface Metrics {
  answered(request: {
    readonly method: string
    readonly route: string
    readonly status: number
    readonly ms: number
  }): void
  verified(verification: Verification): void
  /** A fault kept one presentation of a batch from being judged. */
  unjudged(code: Code): void
  refreshed(refreshed: Refreshed): void
  /** An answer to a gateway; `reason` where it was not a decision. */
  gate(answer: {
    readonly dialect: string
    readonly status: number
    readonly ms: number
    readonly reason?: string | undefined
  }): void
  happened(event: SessionEvent): void
  /** A file of keys has changed: it was taken up, or it cannot be. */
  reloaded(ring: KeyFile, result: 'done' | 'failed'): void
  /** Shows the age of each key from now on. */
  showSigningKeys(keys: SigningKeys, now: () => number): void
  /** How many streams of revocations are open. */
  revocationReaders(count: number): void
  /** How many streams of events are open. */
  eventReaders(count: number): void
  /** One was passed on, so long after it was made. */
  revoked(entry: { readonly kind: 'revoked' | 'subject'; readonly lagMs: number }): void
  /** Shows how many entries these memories of the process have, from now on. */
  showMemories(count: () => object): void
  /** A verification was answered from a local copy, or had to read the store. */
  copyAsked(state: 'hit' | 'miss'): void
  /** Something was shown that nobody has; `limited`: answered 429. */
  guessed(guess: { readonly of: 'token' | 'key'; readonly limited: boolean }): void
  /** A request was answered 503, because there is more to do than this process can. */
  shed(): void
  /** Shows the audit log of this process, from now on. */
  showAudit(state: () => Promise<AuditState | undefined>): void
  /** So many lines of the log could not be written. */
  linesLost(lines: number): void
  /** Prometheus text format. */
  text(): Promise<string>
  readonly contentType: string
  readonly registry: Registry
}

type Registers = Registry[]

/** A file of keys that a running service follows. */
export type KeyFile = 'sealing' | 'signing'

/** Labels come from closed lists only: a client must not be able to make the registry grow. */
export function serviceMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return {
    ...ownMetrics([registry]),
    text: () => registry.metrics(),
    contentType: registry.contentType,
    registry,
  }
}

function ownMetrics(registers: Registers): Omit<Metrics, 'text' | 'contentType' | 'registry'> {
  return {
    ...requestMetrics(registers),
    ...sessionMetrics(registers),
    ...feedMetrics(registers),
    ...keyMetrics(registers),
    ...memoryMetrics(registers),
    ...logMetrics(registers),
    ...gateMetrics(registers),
    ...guessMetrics(registers),
    ...auditMetrics(registers),
  }
}

/** A table of the service's own metrics, for the documentation. */
export function metricsReference(): string {
  const registry = new Registry()
  const metrics = ownMetrics([registry])
  metrics.showSigningKeys({ keys: [] }, () => 0)
  metrics.showAudit(async () => undefined)
  const rows = registry.getMetricsAsArray().map((metric) => {
    const labels = 'labelNames' in metric ? (metric.labelNames as readonly string[]) : []
    const shown = labels.length === 0 ? '' : `{${labels.join(', ')}}`
    return `| \`${metric.name}${shown}\` | ${metric.help} |`
  })
  return ['| metric | |', '| --- | --- |', ...rows.sort()].join('\n')
}

const REFRESHES =
  'Refresh tokens, by what became of them: rotated, kept, in_flight, ' +
  'other_context (the session ended), forked, refused.'

function sessionMetrics(
  registers: Registers,
): Pick<Metrics, 'verified' | 'unjudged' | 'refreshed' | 'happened' | 'copyAsked'> {
  const judged = new Map<string, number>()
  new Counter({
    name: 'holdfast_verifications_total',
    help: 'Presentations, by outcome and code: ok, that of the refusal, or of a fault in a batch.',
    labelNames: ['outcome', 'code'],
    registers,
    collect() {
      for (const [labels, count] of judged) {
        const [outcome = '', code = ''] = labels.split(' ')
        this.inc({ outcome, code }, count)
      }
      judged.clear()
    },
  })
  /** The counter itself would hash its labels at every count. */
  const count = (outcome: string, code: string): void => {
    const labels = `${outcome} ${code}`
    judged.set(labels, (judged.get(labels) ?? 0) + 1)
  }
  const refreshes = new Counter({
    name: 'holdfast_refreshes_total',
    help: REFRESHES,
    labelNames: ['status'],
    registers,
  })
  const events = new Counter({
    name: 'holdfast_events_total',
    help: 'Security events, by type.',
    labelNames: ['type'],
    registers,
  })
  const givenAgain = new Counter({
    name: 'holdfast_endings_given_again_total',
    help: 'Endings of sessions and subjects that the store had lost, and that were repeated.',
    labelNames: ['of'],
    registers,
  })
  const copies = new Counter({
    name: 'holdfast_local_copies',
    help:
      'Verifications with local copies on: hit when a copy answered, miss when the store was ' +
      'read.',
    labelNames: ['state'],
    registers,
  })
  const copy = { hit: copies.labels('hit'), miss: copies.labels('miss') }
  return {
    verified(verification) {
      const outcome = verification.decision?.outcome ?? 'none'
      count(outcome, verification.ok ? 'ok' : verification.code)
    },
    unjudged: (code) => count('none', code),
    refreshed(refreshed) {
      refreshes.inc({ status: refreshStatusOf(refreshed) })
    },
    happened({ type, actor, reason, session, subject }) {
      events.inc({ type })
      if (reason !== 'store_rolled_back' || actor !== 'engine') return
      if (session !== null) givenAgain.inc({ of: 'session' })
      else if (subject !== null) givenAgain.inc({ of: 'subject' })
    },
    copyAsked: (state) => copy[state].inc(),
  }
}

function feedMetrics(
  registers: Registers,
): Pick<Metrics, 'eventReaders' | 'revocationReaders' | 'revoked'> {
  const readers = new Gauge({
    name: 'holdfast_revocation_readers',
    help: 'Streams of revocations that are open.',
    registers,
  })
  const eventReaders = new Gauge({
    name: 'holdfast_event_readers',
    help: 'Streams of events that are open.',
    registers,
  })
  const lag = new Histogram({
    name: 'holdfast_revocation_feed_lag_seconds',
    help:
      'From a revocation, in this process or another, to its sending to all readers. ' +
      'Clocks of machines differ.',
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
    eventReaders: (count) => eventReaders.set(count),
    revocationReaders: (count) => readers.set(count),
    revoked({ kind, lagMs }) {
      lag.observe(Math.max(0, lagMs) / 1_000)
      revocations.inc({ kind })
    },
  }
}

function keyMetrics(registers: Registers): Pick<Metrics, 'reloaded' | 'showSigningKeys'> {
  const reloads = new Counter({
    name: 'holdfast_key_reloads_total',
    help: 'Changes of a file of keys, by ring (sealing, signing) and whether it was taken up.',
    labelNames: ['ring', 'result'],
    registers,
  })
  return {
    reloaded(ring, result) {
      reloads.inc({ ring, result })
    },
    showSigningKeys(signing, now) {
      new Gauge({
        name: 'holdfast_signing_key_age_seconds',
        help: 'Age of each key that is published for access tokens; the active one signs.',
        labelNames: ['kid', 'algorithm', 'state'],
        aggregator: 'max',
        registers,
        collect() {
          this.reset()
          for (const { kid, algorithm, state, createdAt } of signing.keys) {
            this.set({ kid, algorithm, state }, (now() - createdAt) / 1_000)
          }
        },
      })
    },
  }
}

function memoryMetrics(registers: Registers): Pick<Metrics, 'showMemories'> {
  const counts: (() => object)[] = []
  const told = (): readonly (readonly [string, number])[] =>
    counts.flatMap((count) => Object.entries<number>({ ...count() }))
  new Gauge({
    name: 'holdfast_memory_entries',
    help: 'Entries that the process keeps, by what they are. Each kind is bounded.',
    labelNames: ['what'],
    registers,
    collect() {
      for (const [what, entries] of told()) if (what !== 'cacheBytes') this.set({ what }, entries)
    },
  })
  new Gauge({
    name: 'holdfast_cache_bytes',
    help: 'Memory for what the process has opened and proven lately, estimated.',
    registers,
    collect() {
      for (const [what, bytes] of told()) if (what === 'cacheBytes') this.set(bytes)
    },
  })
  return {
    showMemories(count) {
      counts.push(count)
    },
  }
}

function logMetrics(registers: Registers): Pick<Metrics, 'linesLost'> {
  const lost = new Counter({
    name: 'holdfast_log_lines_lost_total',
    help: 'Lines of the log that were lost, because it was full or nobody read it.',
    registers,
  })
  return { linesLost: (lines) => lost.inc(lines) }
}

function guessMetrics(registers: Registers): Pick<Metrics, 'guessed'> {
  const guesses = new Counter({
    name: 'holdfast_guesses_total',
    help: 'Tokens and API keys that nobody has, by answer: refused, or limited (429).',
    labelNames: ['of', 'answer'],
    registers,
  })
  return {
    guessed: ({ of, limited }) => guesses.inc({ of, answer: limited ? 'limited' : 'refused' }),
  }
}

function refreshStatusOf(refreshed: Refreshed): string {
  if (refreshed.ok) return refreshed.status
  const reasons = (refreshed.decision?.because ?? []).map(({ reason }) => reason)
  if (reasons.includes('refresh_reused')) return 'other_context'
  return reasons.includes('secret_forked') ? 'forked' : 'refused'
}
