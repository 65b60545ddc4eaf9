import type { ServiceProcess } from './services.ts'

/** What was asked and how long the answers took. */
export interface Tally {
  note(
    what: string,
    seen: { readonly service: ServiceProcess; readonly askedAt: number; readonly ok: boolean },
  ): void
  /** Whether writes came through this service since then; undefined where none was tried. */
  wroteSince(service: ServiceProcess, since: number): boolean | undefined
  rows(): readonly TallyRow[]
}

export interface TallyRow {
  readonly what: string
  readonly answered: number
  /** Answered that the store or the service is away, or not at all. */
  readonly away: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const WRITES = new Set(['login', 'logout', 'revoke', 'revoke all'])
const MOST_WRITES = 2_000

export function tally(): Tally {
  const kinds = new Map<string, { away: number; readonly tookMs: number[] }>()
  const writes: { readonly service: ServiceProcess; readonly at: number; readonly ok: boolean }[] =
    []

  return {
    note(what, { service, askedAt, ok }) {
      const now = performance.now()
      const kind = kinds.get(what) ?? { away: 0, tookMs: [] }
      kinds.set(what, kind)
      if (ok) kind.tookMs.push(now - askedAt)
      else kind.away++
      if (!WRITES.has(what)) return
      writes.push({ service, at: now, ok })
      if (writes.length > MOST_WRITES) writes.shift()
    },
    wroteSince(service, since) {
      const some = writes.filter((one) => one.service === service && one.at >= since)
      return some.length === 0 ? undefined : some.some(({ ok }) => ok)
    },
    rows() {
      return [...kinds].map(([what, { away, tookMs }]) => {
        const sorted = [...tookMs].sort((a, b) => a - b)
        const at = (share: number): number =>
          sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
        return { what, answered: tookMs.length, away, p50Ms: at(0.5), p99Ms: at(0.99) }
      })
    },
  }
}
