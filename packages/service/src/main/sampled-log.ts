import type { Logger } from 'pino'

/** A warning about something that may happen with every request. */
export type SampledWarn = (
  kind: string,
  line: Readonly<Record<string, unknown>>,
  message: string,
) => void

const EVERY_MS = 10_000

/**
 * Logs each kind of warning at most every ten seconds; `more` says how many came in between. Kinds
 * are of the program, never of a client: their number is bounded.
 */
export function sampledWarnings(
  log: Pick<Logger, 'warn'>,
  now: () => number = () => performance.now(),
): SampledWarn {
  const warned = new Map<string, { readonly at: number; silent: number }>()

  return (kind, line, message) => {
    const last = warned.get(kind)
    if (last !== undefined && now() - last.at < EVERY_MS) {
      last.silent++
      return
    }
    warned.set(kind, { at: now(), silent: 0 })
    log.warn({ ...line, more: last?.silent ?? 0 }, message)
  }
}
