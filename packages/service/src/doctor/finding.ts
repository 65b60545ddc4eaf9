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
