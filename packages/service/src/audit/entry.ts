import type { PersonalFacts, SessionEvent } from 'holdfast/maintenance'
import type { PersonalFinding, PublicFinding } from './finding.ts'

/** An event on its way from the store's feed to the audit log. */
export interface AuditEntry {
  readonly partition: number
  /** Counts within the partition; changes without an event take numbers, too. */
  readonly sequence: number
  readonly event: SessionEvent
  readonly personal: PersonalFacts | null
}

/** An event on the same way that does not open. */
export interface UnreadableEntry extends Pick<AuditEntry, 'partition' | 'sequence'> {
  /** Its id, as the store says. */
  readonly unreadable: string
}

/** What the writer brings to the log. */
export type FeedPart = AuditEntry | UnreadableEntry

/**
 * An entry that the log has: `index` is the number of its line, from 0, over all segments. Its
 * personal part is null where the log has not kept it, because its subject was erased.
 */
export interface LoggedEntry extends AuditEntry {
  readonly index: number
}

/** A finding that the log has. */
export interface LoggedFinding {
  readonly index: number
  readonly finding: PublicFinding
  /** Null once it cannot be read any more. */
  readonly personal: PersonalFinding | null
}

/** What readers of the log are given. */
export type LoggedLine = LoggedEntry | LoggedFinding

export function isEntry(line: LoggedLine): line is LoggedEntry {
  return 'event' in line
}

export function isReadable(part: FeedPart): part is AuditEntry {
  return 'event' in part
}
