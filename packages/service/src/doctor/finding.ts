/** Something about a running installation that should be otherwise. Never holds a secret. */
export interface Finding {
  /** What was looked at; stable. */
  readonly check: string
  /** A `fault` keeps something from working or from being safe; a `warning` may be meant so. */
  readonly level: 'fault' | 'warning'
  readonly finding: string
  /** What to do. */
  readonly mend: string
}

export function fault(check: string, finding: string, mend: string): Finding {
  return { check, level: 'fault', finding, mend }
}

export function warning(check: string, finding: string, mend: string): Finding {
  return { check, level: 'warning', finding, mend }
}

/** The message of an error, for one line, without the period at its end: a finding has none. */
export function brief(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text
    .replace(/[^\x20-\x7e]/g, ' ')
    .slice(0, 160)
    .replace(/\.$/, '')
}
