import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { dirname } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { SessionError } from 'holdfast'
import { makeFolder } from 'holdfast/cli'
import type { Keyring, PersonalFacts } from 'holdfast/maintenance'
import { openDatabase, type SqlRow } from '../database.ts'
import type { LoggedEntry, LoggedFinding } from '../entry.ts'
import type { PersonalFinding } from '../finding.ts'
import type { EventContent, FindingContent } from './lines.ts'

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
  /**
   * Moves what is under older keys of the ring to its current one, in small steps: without it a key
   * that nothing else needs could never leave the ring. What is under a newer one stays, because
   * another process has the newer ring.
   */
  rewrap(): Promise<Rewrapped>
  close(): void
}

export interface Rewrapped {
  readonly moved: number
  /** Keys that the ring lacks, and something here is under. */
  readonly missing: readonly string[]
  /** Keys of owners that do not open. */
  readonly damaged: number
}

type Outcome = 'moved' | 'stays' | 'damaged'

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

export interface VaultOptions {
  /** File of the keys, which are sealed under the ring: {@link VAULT} beside the log. */
  readonly path: string
  readonly keyring: Keyring
  readonly now: () => number
  readonly random: (size: number) => Uint8Array
}

/** Name of the file of keys in the directory of its log. */
export const VAULT = 'vault.sqlite'

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const RING_ID_BYTES = 4
const CIPHER = 'aes-256-gcm'
const PURPOSE = 'holdfast/1/audit-vault'

/** Keys that are moved at once, while nothing else of the thread goes on. */
const MOST_MOVED = 500

/** Opened keys that are kept in memory, some 200 bytes each. */
const MOST_KEYS = 20_000
const DAY_MS = 86_400_000

const STEPS = [
  `CREATE TABLE vault_keys (
     owner TEXT PRIMARY KEY,
     wrapped BLOB,
     erased_at INTEGER
   ) STRICT, WITHOUT ROWID`,
]

/** What the vault knows of an owner. Without a key nothing of it opens. */
interface Owned {
  readonly key: KeyObject | undefined
  readonly erasedAt: number
}

export function openVault({ path, keyring, now, random }: VaultOptions): Vault {
  makeFolder(dirname(path), 0o700)
  const database = openDatabase(path)
  database.migrate('audit-vault', STEPS)
  const known = new Map<string, Owned>()
  let closed = false

  function wrap(owner: string, key: Uint8Array): Buffer {
    const { current } = keyring
    return Buffer.concat([
      Buffer.from(current, 'hex'),
      sealed(wrappingKey(keyring, current), random(NONCE_BYTES), owner, key),
    ])
  }

  function unwrap(owner: string, wrapped: Uint8Array): Buffer {
    const bytes = Buffer.from(wrapped)
    const id = bytes.toString('hex', 0, RING_ID_BYTES)
    return opened(wrappingKey(keyring, id), owner, bytes.subarray(RING_ID_BYTES))
  }

  function owned(owner: string): Owned {
    const before = known.get(owner)
    if (before !== undefined) return before
    const [row] = database.all('SELECT wrapped, erased_at FROM vault_keys WHERE owner = ?', [owner])
    return remember(owner, {
      key: row?.wrapped instanceof Uint8Array ? secret(unwrap(owner, row.wrapped)) : undefined,
      erasedAt: typeof row?.erased_at === 'number' ? row.erased_at : -Infinity,
    })
  }

  function remember(owner: string, facts: Owned): Owned {
    if (known.size >= MOST_KEYS) known.clear()
    known.set(owner, facts)
    return facts
  }

  function keyFor(owner: string): KeyObject {
    const { key, erasedAt } = owned(owner)
    if (key !== undefined) return key
    const bytes = random(KEY_BYTES)
    database.run(
      `INSERT INTO vault_keys (owner, wrapped) VALUES (?, ?)
       ON CONFLICT (owner) DO UPDATE SET wrapped = excluded.wrapped`,
      [owner, wrap(owner, bytes)],
    )
    const made = secret(bytes)
    remember(owner, { key: made, erasedAt })
    return made
  }

  /** The log of a database keeps pages as they were until it is written back. */
  function writeBack(): void {
    database.all('PRAGMA wal_checkpoint(TRUNCATE)')
  }

  return {
    seal(parts) {
      if (parts.every(({ personal }) => isEmpty(personal))) return parts.map(() => undefined)
      try {
        return database.transaction(() =>
          parts.map(({ of, personal }) => {
            const owner = ownerOf(of)
            if (isEmpty(personal) || of.at <= owned(owner).erasedAt) return undefined
            const text = Buffer.from(JSON.stringify(personal))
            const key = keyFor(owner)
            return sealed(key, random(NONCE_BYTES), binding(of), text).toString('base64url')
          }),
        )
      } catch (error) {
        // A key whose row was rolled back must not seal anything.
        known.clear()
        throw error
      }
    },

    open(of, text) {
      const { key, erasedAt } = owned(ownerOf(of))
      // A subject who came back has another key.
      if (key === undefined || of.at <= erasedAt) return null
      const bytes = opened(key, binding(of), Buffer.from(text, 'base64url'))
      return JSON.parse(bytes.toString())
    },

    erase(subject) {
      database.run(
        `INSERT INTO vault_keys (owner, erased_at) VALUES (?, ?)
         ON CONFLICT (owner) DO UPDATE SET wrapped = NULL, erased_at = excluded.erased_at`,
        [subjectOwner(subject), now()],
      )
      known.delete(subjectOwner(subject))
      writeBack()
    },

    eraseDays(before) {
      const erased = database.run(
        `UPDATE vault_keys SET wrapped = NULL, erased_at = ?
         WHERE owner >= 'day:' AND owner < ? AND wrapped IS NOT NULL`,
        [now(), dayOwner(before)],
      )
      known.clear()
      if (erased > 0) writeBack()
      return erased
    },

    async rewrap() {
      const missing = new Set<string>()
      const count = { moved: 0, damaged: 0, stays: 0 }
      let after: string | undefined = ''
      while (after !== undefined && !closed) {
        const step = rewrapSome(after, missing)
        for (const outcome of step.outcomes) count[outcome]++
        after = step.last
        await turn()
      }
      return { moved: count.moved, missing: [...missing], damaged: count.damaged }
    },

    close() {
      closed = true
      database.close()
    },
  }

  function rewrapSome(
    after: string,
    missing: Set<string>,
  ): { readonly outcomes: readonly Outcome[]; readonly last: string | undefined } {
    return database.transaction(() => {
      const rows = database.all(
        `SELECT owner, wrapped FROM vault_keys WHERE owner > ? AND wrapped IS NOT NULL
         ORDER BY owner LIMIT ?`,
        [after, MOST_MOVED],
      )
      const outcomes = rows.map((row) => rewrapOne(row, missing))
      const last = rows.at(-1)?.owner
      return { outcomes, last: typeof last === 'string' ? last : undefined }
    })
  }

  function rewrapOne({ owner, wrapped }: SqlRow, missing: Set<string>): Outcome {
    if (typeof owner !== 'string' || !(wrapped instanceof Uint8Array)) return 'damaged'
    const id = Buffer.from(wrapped).toString('hex', 0, RING_ID_BYTES)
    const place = placeOf(id)
    if (place < 0) missing.add(id)
    if (place < 0 || place >= placeOf(keyring.current)) return 'stays'
    try {
      const fresh = wrap(owner, unwrap(owner, wrapped))
      database.run('UPDATE vault_keys SET wrapped = ? WHERE owner = ?', [fresh, owner])
      return 'moved'
    } catch (error) {
      // One that was damaged keeps no other where it is.
      if (error instanceof SessionError && error.code === 'record_invalid') return 'damaged'
      throw error
    }
  }

  /** From the oldest key of the ring to the newest. */
  function placeOf(id: string): number {
    return keyring.keys.findIndex((key) => key.id === id)
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

function dayOwner(at: number): string {
  const day = new Date(Math.floor(at / DAY_MS) * DAY_MS)
  return `day:${day.toISOString().slice(0, 10)}`
}

/** A personal part belongs to its public part and its owner, and opens in no other place. */
function binding(of: Sealable): string {
  const kind = of.rule === undefined ? 'audit/1' : 'audit/1/finding'
  return `${kind}\n${of.id}\n${ownerOf(of)}`
}

function wrappingKey(keyring: Keyring, id: string): KeyObject {
  const key = keyring.keys.find((one) => one.id === id)
  if (key !== undefined) {
    return secret(hkdfSync('sha256', key.secret, new Uint8Array(0), PURPOSE, KEY_BYTES))
  }
  throw new SessionError(
    'key_unknown',
    `A key of the audit log is sealed under ${id}, which the key ring lacks. Restore that key.`,
  )
}

/** A KeyObject: ciphers are several times slower with raw buffers on Node 24. */
function secret(bytes: ArrayBuffer | Uint8Array): KeyObject {
  return createSecretKey(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes))
}

function sealed(key: KeyObject, nonce: Uint8Array, bound: string, text: Uint8Array): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(bound))
  const body = cipher.update(text)
  return Buffer.concat([nonce, body, cipher.final(), cipher.getAuthTag()])
}

function opened(key: KeyObject, bound: string, bytes: Buffer): Buffer {
  try {
    const nonce = bytes.subarray(0, NONCE_BYTES)
    const end = bytes.length - TAG_BYTES
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(bound)).setAuthTag(bytes.subarray(end))
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()])
  } catch (cause) {
    throw new SessionError(
      'record_invalid',
      'A personal part of the audit log does not open: damaged, or changed by somebody.',
      { cause },
    )
  }
}
