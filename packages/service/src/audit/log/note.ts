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

/** What a key is for, by the type of signature that C2SP signed-note assigns to it. */
const TYPES = { log: 1, witness: 4 } as const

export type KeyUse = keyof typeof TYPES

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
export function newNoteKey(
  name: string,
  random: (size: number) => Uint8Array,
  use: KeyUse = 'log',
): string {
  if (!isKeyName(name)) {
    throw new SessionError(
      'invalid_input',
      'The name of a key has no blanks, no "+" and no control characters, and 255 characters at ' +
        'most.',
    )
  }
  const seed = Buffer.from(random(KEY_BYTES))
  const { id } = publicPart(name, privateKeyOf(seed), use)
  return `${PRIVATE}${name}+${id}+${keyText(seed, use)}`
}

/** Reads what {@link newNoteKey} has made. Throws `config_invalid`, never with the key. */
export function noteSigner(key: string): NoteSigner {
  const { name, id, verifierKey, sign } = openPrivateKey(key, 'log')
  return {
    name,
    verifierKey,
    sign(text) {
      if (!isNoteText(text)) throw new RangeError('the text of a note is lines without controls')
      return `${text}\n${signatureLine({ name, id, signature: sign(Buffer.from(text)) })}`
    },
  }
}

/** Reads the text of a verifier key, `name+id+key`. Throws `config_invalid`. */
export function noteVerifier(key: string): NoteVerifier {
  const { name, id, verify } = openVerifierKey(key, 'log')
  return { name, id, verify: (text, signature) => verify(Buffer.from(text), signature) }
}

/** A private key of either use. Throws `config_invalid`, never with the key. */
export function openPrivateKey(
  key: string,
  use: KeyUse,
): {
  readonly name: string
  readonly id: string
  readonly verifierKey: string
  sign(bytes: Uint8Array): Buffer
} {
  const parts = key.trim().split('+')
  const [, , name = '', id] = parts
  const seed = keyBytes(parts.slice(4).join('+'), use)
  if (!key.startsWith(PRIVATE) || !isKeyName(name) || seed === undefined) {
    throw unusable('private', use)
  }
  const privateKey = privateKeyOf(seed)
  const own = publicPart(name, privateKey, use)
  if (id !== own.id) throw unusable('private', use)
  return { name, ...own, sign: (bytes) => signBytes(null, bytes, privateKey) }
}

/** The verifier key of either use. Throws `config_invalid`. */
export function openVerifierKey(
  key: string,
  use: KeyUse,
): {
  readonly name: string
  readonly id: string
  verify(bytes: Uint8Array, signature: Uint8Array): boolean
} {
  const [name = '', id = '', ...rest] = key.trim().split('+')
  const bytes = keyBytes(rest.join('+'), use)
  if (!isKeyName(name) || bytes === undefined || id !== keyId(name, bytes, use)) {
    throw unusable('verifier', use)
  }
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI, bytes]),
    format: 'der',
    type: 'spki',
  })
  return {
    name,
    id,
    verify: (signed, signature) => verifyBytes(null, signed, publicKey, signature),
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
  readonly signatures: readonly NoteSignature[]
}

/** A signature of a note: `id` is 8 hex digits. */
export interface NoteSignature {
  readonly name: string
  readonly id: string
  readonly signature: Buffer
}

/** The line of a signature, with its line feed. */
export function signatureLine({ name, id, signature }: NoteSignature): string {
  const bytes = Buffer.concat([Buffer.from(id, 'hex'), signature])
  return `\u2014 ${name} ${bytes.toString('base64')}\n`
}

/** The text and the signatures of a note, unchecked. Undefined for what is no note. */
export function noteParts(note: string): NoteParts | undefined {
  const end = note.lastIndexOf('\n\n')
  if (note.length > MOST_CHARACTERS || end < 0 || !note.endsWith('\n')) return undefined
  const text = note.slice(0, end + 1)
  if (!isNoteText(text)) return undefined
  const lines = note.slice(end + 2, -1).split('\n')
  if (lines.length > MOST_SIGNATURES) return undefined
  const signatures: NoteSignature[] = []
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

function publicPart(
  name: string,
  privateKey: KeyObject,
  use: KeyUse,
): { id: string; verifierKey: string } {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  const bytes = spki.subarray(SPKI.length)
  const id = keyId(name, bytes, use)
  return { id, verifierKey: `${name}+${id}+${keyText(bytes, use)}` }
}

function keyId(name: string, publicKey: Uint8Array, use: KeyUse): string {
  const typed = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(TYPES[use]), publicKey])
  return hash('sha256', typed, 'buffer').toString('hex', 0, ID_BYTES)
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
}

function keyText(bytes: Uint8Array, use: KeyUse): string {
  return Buffer.concat([Buffer.of(TYPES[use]), bytes]).toString('base64')
}

function keyBytes(text: string, use: KeyUse): Buffer | undefined {
  const bytes = fromBase64(text)
  return bytes?.length === 1 + KEY_BYTES && bytes[0] === TYPES[use] ? bytes.subarray(1) : undefined
}

function unusable(half: 'private' | 'verifier', use: KeyUse): SessionError {
  const whose = use === 'log' ? 'audit log' : 'witness'
  const command = `holdfast audit keys new FILE${use === 'log' ? '' : ' --witness STATE'}`
  return new SessionError(
    'config_invalid',
    half === 'private'
      ? `The private key of the ${whose} cannot be read. "${command}" makes one.`
      : `The verifier key of the ${whose} cannot be read. It is the line "NAME+ID+KEY" that ` +
          `"${command}" has printed.`,
  )
}
