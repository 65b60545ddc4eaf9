/** Something that a look at an audit log has found. */
export interface Remark {
  readonly code: FaultCode | NoteCode
  readonly file: string
  /** In the file, from 1. Null where it is about the whole of it. */
  readonly line: number | null
  readonly message: string
}

/** Nothing that an honest writer does, however often it is killed. */
export type FaultCode =
  /** The directory or a segment cannot be read, or the chain of segments is broken. */
  | 'unreadable'
  | 'line_edited'
  | 'line_missing'
  /** A stub is in its place, and no line of the log says that it is retired. */
  | 'line_removed'
  | 'line_moved'
  | 'line_doubled'
  | 'line_added'
  | 'truncated'
  /** The tree over the lines is not the one that a later segment or a checkpoint names. */
  | 'root_differs'
  | 'checkpoint_invalid'
  | 'checkpoint_missing'
  /** Asked for witnesses, and none of its checkpoints has enough of them. */
  | 'not_witnessed'
  | 'positions_missing'
  | 'positions_wrong'
  /** Two directories tell different things of one position. */
  | 'directories_differ'

/** What an auditor should know, and what is no sign of a change. */
export type NoteCode =
  /** Lines that do not count: torn, or of a writer that had lost the log. */
  | 'not_counted'
  /** Positions that the log says it never got. */
  | 'gap'
  /** Positions that two directories both tell of, and of which they tell the same. */
  | 'in_both'
  /** Lines since the last checkpoint: no signature covers them yet. */
  | 'not_signed'
  /** Lines since the last checkpoint that enough witnesses have signed. */
  | 'not_cosigned'
  | 'not_compared'
  | 'signatures_unchecked'

/** Collects remarks, and counts what is beyond the first thousand of a kind. */
export interface Remarks {
  fault(code: FaultCode, file: string, line: number | null, message: string): void
  note(code: NoteCode, file: string, line: number | null, message: string): void
  readonly faults: readonly Remark[]
  readonly notes: readonly Remark[]
  leftOut(): number
}

const MOST = 1_000

export function remarks(): Remarks {
  const faults: Remark[] = []
  const notes: Remark[] = []
  let leftOut = 0

  function add(list: Remark[], remark: Remark): void {
    if (list.length < MOST) list.push(remark)
    else leftOut++
  }

  return {
    fault: (code, file, line, message) => add(faults, { code, file, line, message }),
    note: (code, file, line, message) => add(notes, { code, file, line, message }),
    faults,
    notes,
    leftOut: () => leftOut,
  }
}
