import { existsSync } from 'node:fs'
import { SessionError } from 'holdfast'
import { type Database, openDatabase } from '../database.ts'
import { type Checkpoint, openCheckpoint } from '../log/checkpoint.ts'
import { type NoteVerifier, noteParts, openNote } from '../log/note.ts'
import { EMPTY_ROOT, type Hash, isConsistent } from '../log/tree.ts'
import type { Cosigner } from './cosignature.ts'
import { readRequest, SIZE_TYPE, type WitnessRequest } from './request.ts'

/**
 * A witness (C2SP tlog-witness): it signs that a log has only grown since it signed last. What it
 * has signed is on disk before the signature leaves, in one transaction with the comparison, so
 * that neither an end of the process nor a second process on the same file makes it sign two
 * histories.
 */
export interface WitnessDesk {
  /** Answers the body of an `add-checkpoint` request. */
  add(body: string): WitnessReply
}

export interface WitnessReply {
  readonly status: number
  readonly body: string
  /** Plain text unless it says otherwise. */
  readonly type?: string
}

export interface WitnessDeskOptions {
  readonly signer: Cosigner
  /** Keys of the logs. One named NAME signs the log NAME, and those below `NAME/`. */
  readonly logs: readonly NoteVerifier[]
  readonly state: Database
  readonly now: () => number
  /** A log that was not known, or one that has another history: with the proof of that. */
  readonly onNotice: (notice: WitnessNotice) => void
}

export interface WitnessNotice {
  readonly is: 'new' | 'refused'
  readonly origin: string
  /** What was signed before. */
  readonly known: { readonly size: number; readonly root: string }
  /** What was to be signed, under the key of the log. */
  readonly checkpoint: string
}

const STEPS = [
  `CREATE TABLE witness (key TEXT NOT NULL) STRICT;
   CREATE TABLE logs (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL) STRICT`,
]

/** Each directory of an audit log is a log of its own. */
const MOST_LOGS = 1_000

/** The memory of a new witness, which belongs to its key. A file that is there is left as it is. */
export function createWitnessState(path: string, { verifierKey }: Cosigner): void {
  if (existsSync(path)) {
    throw new SessionError('config_invalid', `${path} is there already. It is left as it is.`)
  }
  const state = opened(path)
  try {
    state.migrate('witness', STEPS)
    state.run('INSERT INTO witness (key) VALUES (?)', [verifierKey])
  } finally {
    state.close()
  }
}

/** Throws `config_invalid` for the memory of another key, and for what is none. */
export function openWitnessState(path: string, { verifierKey }: Cosigner): Database {
  const state = opened(path)
  try {
    if (state.all('SELECT key FROM witness')[0]?.key !== verifierKey) throw foreign(path)
    return state
  } catch (cause) {
    state.close()
    throw cause instanceof SessionError ? cause : foreign(path, { cause })
  }
}

function opened(path: string): Database {
  try {
    return openDatabase(path)
  } catch (cause) {
    throw foreign(path, { cause })
  }
}

function foreign(path: string, options?: ErrorOptions): SessionError {
  const message = `${path} is not, or cannot become, the memory of the witness with this key.`
  return new SessionError('config_invalid', message, options)
}

export function witnessDesk(options: WitnessDeskOptions): WitnessDesk {
  const { signer, logs, state, now, onNotice } = options

  /** Compares and takes it in, in one step. */
  function take({ origin, size, root }: Checkpoint, { old, proof }: WitnessRequest): Taken {
    const [row] = state.all('SELECT size, root FROM logs WHERE origin = ?', [origin])
    const known =
      row === undefined
        ? { size: 0, root: EMPTY_ROOT }
        : { size: Number(row.size), root: Buffer.from(row.root as Uint8Array) }
    if (old !== known.size) return { known, is: 'elsewhere' }
    if (!isConsistent(known, { size, root }, proof)) return { known, is: 'refused' }
    const [count] = state.all('SELECT count(*) AS logs FROM logs')
    if (row === undefined && Number(count?.logs) >= MOST_LOGS) return { known, is: 'full' }
    const log = [origin, size, root]
    state.run('INSERT OR REPLACE INTO logs (origin, size, root) VALUES (?, ?, ?)', log)
    return { known, is: row === undefined ? 'new' : 'grown' }
  }

  return {
    add(body) {
      const request = readRequest(body)
      if (request === undefined) return { status: 400, body: 'no request\n' }
      const checkpoint = openCheckpoint(request.checkpoint, undefined)
      const text = noteParts(request.checkpoint)?.text
      if (!checkpoint.ok || text === undefined) return { status: 400, body: 'no checkpoint\n' }
      const { origin, size } = checkpoint
      const keys = logs.filter(({ name }) => origin === name || origin.startsWith(`${name}/`))
      if (keys.length === 0) return { status: 404, body: 'unknown log\n' }
      if (!openNote(request.checkpoint, keys).ok) return { status: 403, body: 'unknown key\n' }
      if (request.old > size) return { status: 400, body: 'old is more than there is\n' }

      const { known, is } = state.transaction(() => take(checkpoint, request))
      if (is === 'new' || is === 'refused') {
        const root = known.root.toString('base64')
        onNotice({ is, origin, known: { size: known.size, root }, checkpoint: request.checkpoint })
      }
      if (is === 'full') return { status: 404, body: 'too many logs\n' }
      if (is === 'refused' && known.size < size) return { status: 422, body: 'inconsistent\n' }
      if (is === 'refused' || is === 'elsewhere') {
        return { status: 409, body: `${known.size}\n`, type: SIZE_TYPE }
      }
      return { status: 200, body: signer.cosign(text, now()) }
    },
  }
}

interface Taken {
  readonly is: 'new' | 'grown' | 'elsewhere' | 'refused' | 'full'
  /** What was signed before. */
  readonly known: { readonly size: number; readonly root: Hash }
}
