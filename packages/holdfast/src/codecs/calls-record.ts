import { CALL_METHODS, type KeptCall } from '../core/sensitive-calls.ts'
import type { SessionState } from '../core/session.ts'
import {
  type FactWriter,
  type RecordReader,
  readList,
  readOneOf,
  readOptional,
  readTime,
  readUse,
  usedAt,
  writeList,
  writeOneOf,
  writeOptional,
  writeTime,
  writeUse,
} from './record-fields.ts'

/** Sensitive calls, and since when they are told as the answer of a step-up. */
export interface Calls {
  readonly calls: readonly KeptCall[]
  readonly forkSince: number | null
}

export const NO_CALLS: Calls = { calls: [], forkSince: null }

export function writeCalls(output: FactWriter, { calls = [], stepUp }: SessionState): void {
  writeList(output, calls, (call) => {
    writeTime(output, call.at)
    writeOneOf(output, CALL_METHODS, call.method)
    writeUse(output, call)
  })
  writeOptional(output, stepUp?.forkSince ?? null, (at) => writeTime(output, at))
}

export function readCalls(input: RecordReader): Calls {
  const calls = readList(input, () => ({
    at: readTime(input),
    method: readOneOf(input, CALL_METHODS),
    ...usedAt(input.facts, readUse(input)),
  }))
  return { calls, forkSince: readOptional(input, readTime) }
}
