import { fromBase64 } from '../log/note.ts'
import { HASH_BYTES, type Hash } from '../log/tree.ts'

/** What a witness is asked (C2SP tlog-witness, `add-checkpoint`). */
export interface WitnessRequest {
  /** Lines that the witness has seen of this log. */
  readonly old: number
  /** Shows that the checkpoint goes on from these. */
  readonly proof: readonly Hash[]
  readonly checkpoint: string
}

export const ADD_CHECKPOINT = 'add-checkpoint'

/** Type of an answer that is the number of lines that the witness has seen. */
export const SIZE_TYPE = 'text/x.tlog.size'

const MOST_HASHES = 63

export function requestText({ old, proof, checkpoint }: WitnessRequest): string {
  const lines = proof.map((hash) => `${hash.toString('base64')}\n`)
  return `old ${old}\n${lines.join('')}\n${checkpoint}`
}

/** Undefined for what is no request. The checkpoint is unchecked. */
export function readRequest(text: string): WitnessRequest | undefined {
  const end = text.indexOf('\n\n')
  const [first = '', ...lines] = text.slice(0, Math.max(0, end)).split('\n')
  const old = /^old (.+)$/.exec(first)?.[1]
  const size = old === undefined ? undefined : readSize(old)
  if (size === undefined || lines.length > MOST_HASHES) return undefined
  const proof = lines.map(fromBase64).filter((hash) => hash?.length === HASH_BYTES) as Hash[]
  if (proof.length !== lines.length) return undefined
  return { old: size, proof, checkpoint: text.slice(end + 2) }
}

/** Decimal in its one spelling, and no more than a log can have. */
export function readSize(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : undefined
}
