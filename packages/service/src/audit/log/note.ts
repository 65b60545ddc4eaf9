import {
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto'
import { SessionError } from 'holdfast'

/** Signed notes (C2SP signed-note) under Ed25519. */

/** Signs notes under a name. */
export interface NoteSigner {
  readonly name: string
  /** What others need in order to check: no secret. */
  readonly verifierKey: string
  sign(text: string): string
}

/** Checks signatures under one key. */
export interface NoteVerifier {
  readonly name: string
  /** 8 hex digits. */
  readonly id: string
  verify(text: string, signature: Uint8Array): boolean
}

/** A note that has been taken apart. */
export type OpenedNote =
  | {
      readonly ok: true
      readonly text: string
      /** Names of the known keys that signed it: at least one. */
      readonly signedBy: readonly string[]
      /** How many more signatures it has, under keys that are not known: cosignatures, for one. */
      readonly others: number
    }
  | { readonly ok: false; readonly problem: string }

const ED25519 = 1
const KEY_BYTES = 32
const ID_BYTES = 4
const PRIVATE = 'PRIVATE+KEY+'

// PKCS #8 and SPKI of Ed25519 (RFC 8410) are the raw key behind these bytes.
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')

/** Limits of what a stranger's note may hold. Witnesses may be many, and post-quantum. */
const MOST_CHARACTERS = 1_000_000
const MOST_SIGNATURES = 100

/** The text of a new private key, as Go's `sumdb/note` writes it. `random` must be secure. */
export function newNoteKey(name: string, random: (size: number) => Uint8Array): string {
  if (!isKeyName(name)) {
    throw new SessionError(
      'invalid_input',
      'The name of a key has no blanks, no "+" and no control characters, and 255 characters at ' +
        'most.',
    )
  }
  const seed = Buffer.from(random(KEY_BYTES))
  const { id } = publicPart(name, privateKeyOf(seed))
  return `${PRIVATE}${name}+${id}+${keyText(seed)}`
}

/** Reads what {@link newNoteKey} has made. Throws `config_invalid`, never with the key. */
export function noteSigner(key: string): NoteSigner {
  const parts = key.trim().split('+')
  const [, , name = '', id] = parts
  const seed = keyBytes(parts.slice(4).join('+'))
  if (!key.startsWith(PRIVATE) || !isKeyName(name) || seed === undefined) throw unusable('private')
  const privateKey = privateKeyOf(seed)
  const own = publicPart(name, privateKey)
  if (id !== own.id) throw unusable('private')
  return {
    name,
    verifierKey: own.verifierKey,
    sign(text) {
      if (!isNoteText(text)) throw new RangeError('the text of a note is lines without controls')
      const signed = Buffer.concat([
        Buffer.from(own.id, 'hex'),
        signBytes(null, Buffer.from(text), privateKey),
      ])
      return `${text}\n\u2014 ${name} ${signed.toString('base64')}\n`
    },
  }
}

/** Reads the text of a verifier key, `name+id+key`. Throws `config_invalid`. */
export function noteVerifier(key: string): NoteVerifier {
  const [name = '', id = '', ...rest] = key.trim().split('+')
  const bytes = keyBytes(rest.join('+'))
  if (!isKeyName(name) || bytes === undefined || id !== keyId(name, bytes)) {
    throw unusable('verifier')
  }
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI, bytes]),
    format: 'der',
    type: 'spki',
  })
  return {
    name,
    id,
    verify: (text, signature) => verifyBytes(null, Buffer.from(text), publicKey, signature),
  }
}

/**
 * Takes a note apart and checks what known keys have signed. Signatures of unknown keys are passed
 * over; a wrong one of a known key refuses the whole note.
 */
export function openNote(note: string, verifiers: readonly NoteVerifier[]): OpenedNote {
  const parts = noteParts(note)
  if (parts === undefined) return { ok: false, problem: 'it is not a signed note' }
  const { text, signatures } = parts
  const signedBy: string[] = []
  let others = 0
  for (const { name, id, signature } of signatures) {
    const verifier = verifiers.find((one) => one.name === name && one.id === id)
    if (verifier === undefined) others++
    else if (!verifier.verify(text, signature)) {
      return { ok: false, problem: `the signature of ${name} is wrong` }
    } else if (!signedBy.includes(name)) signedBy.push(name)
  }
  if (signedBy.length > 0) return { ok: true, text, signedBy, others }
  return { ok: false, problem: 'no key that is trusted here has signed it' }
}

interface NoteParts {
  readonly text: string
  readonly signatures: readonly {
    readonly name: string
    readonly id: string
    readonly signature: Buffer
  }[]
}

/** The text and the signatures of a note, unchecked. Undefined for what is no note. */
export function noteParts(note: string): NoteParts | undefined {
  const end = note.lastIndexOf('\n\n')
  if (note.length > MOST_CHARACTERS || end < 0 || !note.endsWith('\n')) return undefined
  const text = note.slice(0, end + 1)
  if (!isNoteText(text)) return undefined
  const lines = note.slice(end + 2, -1).split('\n')
  if (lines.length > MOST_SIGNATURES) return undefined
  const signatures: NoteParts['signatures'][number][] = []
  for (const line of lines) {
    const [dash, name = '', encoded = '', ...more] = line.split(' ')
    const bytes = fromBase64(encoded)
    if (dash !== '\u2014' || more.length > 0 || !isKeyName(name)) return undefined
    if (bytes === undefined || bytes.length <= ID_BYTES) return undefined
    const id = bytes.toString('hex', 0, ID_BYTES)
    signatures.push({ name, id, signature: bytes.subarray(ID_BYTES) })
  }
  return { text, signatures }
}

/** Bytes of standard base64 in its one spelling. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

function isNoteText(text: string): boolean {
  return text.endsWith('\n') && !/[^\P{Cc}\n\u0080-\u009f]|\p{Cs}/u.test(text)
}

function isKeyName(name: string): boolean {
  return name.length <= 255 && /^[^\s+\p{Z}\p{Cc}\p{Cf}\p{Cs}]+$/u.test(name)
}

function publicPart(name: string, privateKey: KeyObject): { id: string; verifierKey: string } {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  const bytes = spki.subarray(SPKI.length)
  const id = keyId(name, bytes)
  return { id, verifierKey: `${name}+${id}+${keyText(bytes)}` }
}

function keyId(name: string, publicKey: Uint8Array): string {
  const typed = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey])
  return hash('sha256', typed, 'buffer').toString('hex', 0, ID_BYTES)
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
}

function keyText(bytes: Uint8Array): string {
  return Buffer.concat([Buffer.of(ED25519), bytes]).toString('base64')
}

function keyBytes(text: string): Buffer | undefined {
  const bytes = fromBase64(text)
  return bytes?.length === 1 + KEY_BYTES && bytes[0] === ED25519 ? bytes.subarray(1) : undefined
}

function unusable(half: 'private' | 'verifier'): SessionError {
  return new SessionError(
    'config_invalid',
    half === 'private'
      ? 'The private key of the audit log cannot be read. "holdfast audit keys new FILE" makes one.'
      : 'The verifier key cannot be read. It is the line "NAME+ID+KEY" that ' +
          '"holdfast audit keys new" has printed.',
  )
}
