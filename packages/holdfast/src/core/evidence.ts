/**
 * N network, place and clock; D device; C concurrency; R fork of a rotating secret; K key proof;
 * B behaviour; P what the policy demands of the route (always 0 dB).
 */
export type EvidenceGroup = 'N' | 'D' | 'C' | 'R' | 'K' | 'B' | 'P'

/** One observation for (positive) or against (negative) "somebody else holds this session". */
export interface Evidence {
  readonly group: EvidenceGroup
  /** Stable snake_case code. */
  readonly reason: string
  /**
   * Integer decibans: +10 is ten times likelier if hijacked. A single passive observation stays
   * within [-15, +30].
   */
  readonly weight: number
  /** Compared values in comparable form; never an address or a full user agent. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>>
  /** One sentence for a support person: the fact and what it was compared with. */
  readonly text: string
}

/** Sums decibans. The score of a decision is exactly this sum over its reasons. */
export function totalOf(evidence: readonly Pick<Evidence, 'weight'>[]): number {
  return evidence.reduce((sum, { weight }) => sum + weight, 0)
}
