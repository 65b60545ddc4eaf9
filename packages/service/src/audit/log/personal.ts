import type { PersonalFacts } from 'holdfast/maintenance'
import type { LoggedEntry, LoggedFinding } from '../entry.ts'
import type { PersonalFinding } from '../finding.ts'
import type { EventContent, FindingContent } from './lines.ts'
import { type OwnerKeys, type OwnerKeysOptions, openOwnerKeys } from './owner-keys.ts'
import { opened, sealed } from './sealing.ts'

/**
 * Seals the personal part of events and findings, each under a key of its subject, so that erasing
 * a subject is destroying one key: the lines stay as they are, and so does the tree. What has no
 * subject has a key for each day (UTC).
 */
export interface Vault {
  /**
   * One text for each part, in base64url; undefined where there is nothing personal, or where it is
   * older than the erasure of its subject. The keys are on disk when it answers.
   */
  seal(parts: readonly PersonalPart[]): readonly (string | undefined)[]
  /** Null once the key is destroyed. Throws `record_invalid` for what was changed. */
  open<O extends Sealable>(of: O, sealed: string): PersonalOf<O> | null
  /** Destroys the key of a subject, and what a file could still hold of it. */
  erase(subject: string): void
  /** Destroys the keys of days before an instant, and answers how many. */
  eraseDays(before: number): number
  readonly rewrap: OwnerKeys['rewrap']
  close(): void
}

/** A public part, or what tells it from all others. Only a finding has a rule. */
export interface Sealable {
  readonly id: string
  readonly at: number
  readonly subject: string | null
  readonly rule?: string
}

export interface PersonalPart {
  readonly of: Sealable
  readonly personal: PersonalFacts | PersonalFinding | null
}

type PersonalOf<O> = O extends { readonly rule: string } ? PersonalFinding : PersonalFacts

/** Name of the file of keys in the directory of its log. */
export const VAULT = 'vault.sqlite'

const DAY_MS = 86_400_000

/** `path`: {@link VAULT} beside the log. */
export function openVault(options: OwnerKeysOptions): Vault {
  const { random } = options
  const keys = openOwnerKeys(options)

  return {
    seal(parts) {
      if (parts.every(({ personal }) => isEmpty(personal))) return parts.map(() => undefined)
      return keys.transaction(() =>
        parts.map(({ of, personal }) => {
          const owner = ownerOf(of)
          if (isEmpty(personal) || of.at <= keys.of(owner).erasedAt) return undefined
          const text = Buffer.from(JSON.stringify(personal))
          const key = keys.make(owner)
          return sealed(key, { bound: binding(of), text, random }).toString('base64url')
        }),
      )
    },

    open(of, text) {
      const { key, erasedAt } = keys.of(ownerOf(of))
      // A subject who came back has another key.
      if (key === undefined || of.at <= erasedAt) return null
      const bytes = opened(key, binding(of), Buffer.from(text, 'base64url'))
      return JSON.parse(bytes.toString())
    },

    erase: (subject) => keys.erase(subjectOwner(subject)),
    eraseDays: (before) => keys.eraseRange(DAYS, dayOwner(before)),
    rewrap: keys.rewrap,
    close: keys.close,
  }
}

/** An event of the log, with its personal part where that can be read. */
export function openedEntry(index: number, line: EventContent, vault: Opening): LoggedEntry {
  const { partition, sequence, event } = line
  return { index, partition, sequence, event, personal: openedPart(event, line, vault) }
}

/** The same of a finding. */
export function openedFinding(index: number, line: FindingContent, vault: Opening): LoggedFinding {
  const { finding } = line
  return { index, finding, personal: openedPart(finding, line, vault) }
}

type Opening = Pick<Vault, 'open'>

function openedPart<O extends Sealable>(
  of: O,
  { personal }: { readonly personal?: string },
  vault: Opening,
): PersonalOf<O> | null {
  return personal === undefined ? null : vault.open(of, personal)
}

function isEmpty(personal: PersonalPart['personal']): boolean {
  return personal === null || Object.values(personal).every((value) => value === null)
}

function ownerOf({ subject, at }: Sealable): string {
  return subject === null ? dayOwner(at) : subjectOwner(subject)
}

function subjectOwner(subject: string): string {
  return `subject:${subject}`
}

/** How the owners of days begin, which are in the order of time. */
const DAYS = 'day:'

function dayOwner(at: number): string {
  const day = new Date(Math.floor(at / DAY_MS) * DAY_MS)
  return `${DAYS}${day.toISOString().slice(0, 10)}`
}

/** A personal part belongs to its public part and its owner, and opens in no other place. */
function binding(of: Sealable): string {
  const kind = of.rule === undefined ? 'audit/1' : 'audit/1/finding'
  return `${kind}\n${of.id}\n${ownerOf(of)}`
}
