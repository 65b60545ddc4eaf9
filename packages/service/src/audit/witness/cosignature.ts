import {
  type NoteVerifier,
  noteParts,
  openPrivateKey,
  openVerifierKey,
  signatureLine,
} from '../log/note.ts'

/** Cosignatures of witnesses (C2SP tlog-cosignature v1): Ed25519 over the text and a time. */

/** Signs for a witness. */
export interface Cosigner {
  readonly name: string
  /** What others need in order to check: no secret. */
  readonly verifierKey: string
  /** The line of a signature, with its line feed. */
  cosign(text: string, at: number): string
}

/** A witness whose key has signed, and when it says that it has. */
export interface Cosignature {
  readonly witness: string
  readonly at: number
}

/** Whose cosignatures are asked for, and how many of them are enough. */
export interface WitnessPolicy {
  readonly witnesses: readonly NoteVerifier[]
  readonly quorum: number
}

const TIME_BYTES = 8

/** Reads the private key of a witness. Throws `config_invalid`, never with the key. */
export function cosigner(key: string): Cosigner {
  const { name, id, verifierKey, sign } = openPrivateKey(key, 'witness')
  return {
    name,
    verifierKey,
    cosign(text, at) {
      const seconds = BigInt(Math.floor(at / 1_000))
      const time = Buffer.alloc(TIME_BYTES)
      time.writeBigUInt64BE(seconds)
      const signature = Buffer.concat([time, sign(signedText(text, seconds))])
      return signatureLine({ name, id, signature })
    },
  }
}

/** Reads the verifier key of a witness. Throws `config_invalid`. */
export function witnessVerifier(key: string): NoteVerifier {
  const { name, id, verify } = openVerifierKey(key, 'witness')
  return {
    name,
    id,
    verify(text, signature) {
      const bytes = Buffer.from(signature)
      if (bytes.length <= TIME_BYTES) return false
      const seconds = bytes.readBigUInt64BE()
      return verify(signedText(text, seconds), bytes.subarray(TIME_BYTES))
    },
  }
}

/**
 * What these witnesses have signed of a note. Signatures of others are passed over; a wrong one of
 * a known key is a problem. Of several under one key the newest counts.
 */
export function cosignaturesOn(
  note: string,
  witnesses: readonly NoteVerifier[],
):
  | { readonly ok: true; readonly cosignatures: readonly Cosignature[] }
  | { readonly ok: false; readonly problem: string } {
  const parts = noteParts(note)
  if (parts === undefined) return { ok: false, problem: 'it is not a signed note' }
  const found = new Map<string, Cosignature>()
  for (const { name, id, signature } of parts.signatures) {
    const witness = witnesses.find((one) => one.name === name && one.id === id)
    if (witness === undefined) continue
    if (!witness.verify(parts.text, signature)) {
      return { ok: false, problem: `the cosignature of ${name} is wrong` }
    }
    const at = Number(signature.readBigUInt64BE()) * 1_000
    const before = found.get(`${name}+${id}`)
    if (before === undefined || before.at < at) found.set(`${name}+${id}`, { witness: name, at })
  }
  return { ok: true, cosignatures: [...found.values()] }
}

/** When the last of enough witnesses signed. Undefined where they are not enough. */
export function quorumAt(cosignatures: readonly Cosignature[], quorum: number): number | undefined {
  const times = cosignatures.map(({ at }) => at).sort((a, b) => a - b)
  return times[quorum - 1]
}

function signedText(text: string, seconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`)
}
