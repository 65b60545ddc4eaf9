/** Keeps how far an output has delivered without a gap; see `AuditOutput.delivered`. */
export interface DeliveryCursor {
  /** A call of `send` begins with this index. */
  begins(index: number): void
  acknowledged(index: number): void
  missed(index: number): void
  value(): number | null
}

export function deliveryCursor(): DeliveryCursor {
  let delivered: number | null = null
  let gap = Number.POSITIVE_INFINITY

  return {
    begins(index) {
      if (index <= gap) gap = Number.POSITIVE_INFINITY
    },
    acknowledged(index) {
      if (index < gap) delivered = Math.max(delivered ?? index, index)
    },
    missed(index) {
      gap = Math.min(gap, index)
    },
    value: () => delivered,
  }
}
