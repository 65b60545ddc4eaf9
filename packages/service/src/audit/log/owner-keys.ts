import { hkdfSync, type KeyObject } from 'node:crypto'
import { dirname } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { SessionError } from 'holdfast'
import { makeFolder } from 'holdfast/cli'
import type { Keyring } from 'holdfast/maintenance'
import { openDatabase, type SqlRow } from '../database.ts'
import { opened, sealed, secret } from './sealing.ts'

/**
 * The keys of owners, each sealed under the key ring, in a file of their own. Destroying one makes
 * noise of all that is sealed under it.
 */
export interface OwnerKeys {
  /** What is known of an owner. */
  of(owner: string): Owned
  /** The key of an owner; a new one where there is none. */
  make(owner: string): KeyObject
  /** All or nothing of the keys that are made meanwhile. They are on disk when it answers. */
  transaction<T>(work: () => T): T
  /** Destroys the key of an owner, and what a file could still hold of it. */
  erase(owner: string): void
  /** The same of all owners from one on, up to another; answers how many had a key. */
  eraseRange(from: string, before: string): number
  /**
   * Moves what is under older keys of the ring to its current one, in small steps: without it a key
   * that nothing else needs could never leave the ring. What is under a newer one stays, because
   * another process has the newer ring.
   */
  rewrap(): Promise<Rewrapped>
  close(): void
}

/** Without a key nothing of an owner opens. */
export interface Owned {
  readonly key: KeyObject | undefined
  readonly erasedAt: number
}

export interface Rewrapped {
  readonly moved: number
  /** Keys that the ring lacks, and something here is under. */
  readonly missing: readonly string[]
  /** Keys of owners that do not open. */
  readonly damaged: number
}

export interface OwnerKeysOptions {
  readonly path: string
  readonly keyring: Keyring
  readonly now: () => number
  readonly random: (size: number) => Uint8Array
}

const KEY_BYTES = 32
const RING_ID_BYTES = 4
const PURPOSE = 'holdfast/1/audit-vault'

/** Keys that are moved at once, while nothing else of the thread goes on. */
const MOST_MOVED = 500

/** Opened keys that are kept in memory, some 200 bytes each. */
const MOST_KEYS = 20_000

const STEPS = [
  `CREATE TABLE vault_keys (
     owner TEXT PRIMARY KEY,
     wrapped BLOB,
     erased_at INTEGER
   ) STRICT, WITHOUT ROWID`,
]

export function openOwnerKeys({ path, keyring, now, random }: OwnerKeysOptions): OwnerKeys {
  makeFolder(dirname(path), 0o700)
  const database = openDatabase(path)
  database.migrate('audit-vault', STEPS)
  const known = new Map<string, Owned>()
  let closed = false

  function wrap(owner: string, key: Uint8Array): Buffer {
    const { current } = keyring
    return Buffer.concat([
      Buffer.from(current, 'hex'),
      sealed(wrappingKey(keyring, current), { bound: owner, text: key, random }),
    ])
  }

  function unwrap(owner: string, wrapped: Uint8Array): Buffer {
    const bytes = Buffer.from(wrapped)
    const id = bytes.toString('hex', 0, RING_ID_BYTES)
    return opened(wrappingKey(keyring, id), owner, bytes.subarray(RING_ID_BYTES))
  }

  function of(owner: string): Owned {
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

  function make(owner: string): KeyObject {
    const { key, erasedAt } = of(owner)
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
    of,
    make,

    transaction(work) {
      try {
        return database.transaction(work)
      } catch (error) {
        // A key whose row was rolled back must not seal anything.
        known.clear()
        throw error
      }
    },

    erase(owner) {
      database.run(
        `INSERT INTO vault_keys (owner, erased_at) VALUES (?, ?)
         ON CONFLICT (owner) DO UPDATE SET wrapped = NULL, erased_at = excluded.erased_at`,
        [owner, now()],
      )
      known.delete(owner)
      writeBack()
    },

    eraseRange(from, before) {
      const erased = database.run(
        `UPDATE vault_keys SET wrapped = NULL, erased_at = ?
         WHERE owner >= ? AND owner < ? AND wrapped IS NOT NULL`,
        [now(), from, before],
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

type Outcome = 'moved' | 'stays' | 'damaged'

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
