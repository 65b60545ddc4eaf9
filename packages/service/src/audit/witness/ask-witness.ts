import { fetchUntil } from 'holdfast/cli'
import { openCheckpoint } from '../log/checkpoint.ts'
import { type NoteVerifier, noteParts, signatureLine } from '../log/note.ts'
import type { Hash } from '../log/tree.ts'
import { type Later, problemOf, timer } from '../outputs/output.ts'
import { cosignaturesOn } from './cosignature.ts'
import { ADD_CHECKPOINT, readSize, requestText } from './request.ts'

/** A witness as its client knows it. */
export interface Witness {
  readonly url: string
  readonly verifier: NoteVerifier
}

/** What became of a checkpoint that a witness was given. */
export type WitnessAnswer =
  /** The line of its signature, which was checked. */
  | { readonly is: 'cosigned'; readonly line: string }
  /** It knows another history of this log. */
  | { readonly is: 'refused'; readonly problem: string }
  /** No answer that says anything about the log. */
  | { readonly is: 'failed'; readonly problem: string }

export interface WitnessQuestion {
  /** A signed checkpoint. It may have signatures of others. */
  readonly note: string
  /** Lines that the witness is known to have seen; 0 where nothing is known. */
  readonly known: number
  /** Hashes that prove that the log goes on from `from` lines to `size`. */
  readonly prove: (from: number, size: number) => Promise<readonly Hash[]>
  readonly now: () => number
  readonly later?: Later | undefined
  readonly signal?: AbortSignal | undefined
}

/** For a request and its whole answer. */
const TIMEOUT_MS = 10_000

/** Enough for sixteen signatures, also post-quantum ones. */
const MOST_ANSWER_BYTES = 131_072

/** One that says where it is, and one more where somebody else has asked meanwhile. */
const MOST_REQUESTS = 3

/** A witness whose clock is further off says nothing about when. */
const MOST_SKEW_MS = 3_600_000

/** Gives a checkpoint to a witness (C2SP tlog-witness). Never rejects. */
export async function askWitness(
  witness: Witness,
  question: WitnessQuestion,
): Promise<WitnessAnswer> {
  try {
    return await ask(witness, question)
  } catch (error) {
    return failed(`it cannot be asked: ${problemOf(causeOf(error))}`)
  }
}

async function ask(witness: Witness, question: WitnessQuestion): Promise<WitnessAnswer> {
  const { note, known, prove } = question
  const checkpoint = openCheckpoint(note, undefined)
  if (!checkpoint.ok) return failed(`there is nothing to sign: ${checkpoint.problem}`)
  const { size } = checkpoint
  let old = Math.min(known, size)
  for (let request = 1; request <= MOST_REQUESTS; request++) {
    const proof = old === 0 || old === size ? [] : await prove(old, size)
    const { status, text } = await post(
      witness,
      requestText({ old, proof, checkpoint: note }),
      question,
    )
    if (status === 200) return cosigned(note, text, witness, question.now())
    if (status === 422) {
      return refused(`it has seen ${old} lines, and the log does not go on from these`)
    }
    if (status !== 409) return failed(PROBLEMS[status] ?? `it answers ${status}`)
    const has = readSize(text.replace(/\n$/, ''))
    if (has === undefined) return failed('it answers 409 without a size')
    if (has > size) return refused(`it has seen ${has} lines, and there are ${size}`)
    if (has === old) {
      if (old === size) return refused(`it has seen ${size} lines, and they were others`)
      return failed('it contradicts itself')
    }
    old = has
  }
  return failed('it names another size each time')
}

const PROBLEMS: Readonly<Record<number, string>> = {
  403: 'it does not know the key of this log (403): give it the verifier key',
  404: 'it does not know this log (404): give it the verifier key',
}

function cosigned(note: string, lines: string, { verifier }: Witness, now: number): WitnessAnswer {
  const { name, id } = verifier
  const parts = noteParts(`${note.slice(0, note.lastIndexOf('\n\n'))}\n\n${lines}`)
  const own = parts?.signatures.find((one) => one.name === name && one.id === id)
  if (parts === undefined || own === undefined) return failed('it answers without its cosignature')
  const line = signatureLine(own)
  const checked = cosignaturesOn(`${parts.text}\n${line}`, [verifier])
  if (!checked.ok) return failed(checked.problem)
  const skew = Math.abs((checked.cosignatures[0]?.at ?? 0) - now)
  if (skew > MOST_SKEW_MS) return failed('its clock, or the one here, is off by more than an hour')
  return { is: 'cosigned', line }
}

/**
 * Redirects are not followed, and addresses are not filtered: the URL is the operator's word. What
 * travels is public to whoever checks the log, and is signed, so that plain HTTP gives away nothing
 * but the power to keep the two apart.
 */
async function post(
  { url }: Witness,
  body: string,
  { later = timer, signal }: WitnessQuestion,
): Promise<{ readonly status: number; readonly text: string }> {
  const late = new AbortController()
  const cancel = later(TIMEOUT_MS, () => {
    late.abort(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`))
  })
  try {
    const answer = await fetchUntil(fetch, `${url.replace(/\/$/, '')}/${ADD_CHECKPOINT}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'user-agent': 'holdfast' },
      redirect: 'manual',
      signal: signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]),
    })
    return { status: answer.status, text: await shortText(answer) }
  } finally {
    cancel()
  }
}

async function shortText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > MOST_ANSWER_BYTES) throw new Error('its answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** What is behind the "fetch failed" of a connection that was not made. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : error
}

function refused(problem: string): WitnessAnswer {
  return { is: 'refused', problem }
}

function failed(problem: string): WitnessAnswer {
  return { is: 'failed', problem }
}
