/**
 * Events of different partitions come out of order by less than this. Within it, the order in which
 * they come changes nothing.
 */
export const DISORDER_MS = 10_000

/** An event as a tally keeps it. */
export interface Counted {
  readonly at: number
  readonly id: string
  /** Of the field whose different values are counted. */
  readonly value: string
}

/** An instant at which a group had all that its rule asks for. */
export interface Completed {
  readonly at: number
  readonly count: number
  /** Ids, oldest first, at most {@link MOST_IDS}. */
  readonly events: readonly string[]
}

/** What a rule has counted in one group. */
export interface Tally {
  /**
   * Counts an event, and answers at which instants the rule is complete because of it: at that of
   * the event, or at later ones of events that came before it. Asked only where `matters`.
   */
  add(event: Counted, matters: (at: number) => boolean): readonly Completed[]
  /** How many things it keeps in memory. */
  size(): number
}

/** Ids of events that a finding names. */
export const MOST_IDS = 20
