import type { Context } from '../core/context.ts'
import type { EvidenceGroup } from '../core/evidence.ts'
import { readInt, readUint } from './bytes.ts'
import {
  type RecordReader,
  type RecordWriter,
  readList,
  readOneOf,
  readTime,
  readWord,
  writeList,
  writeOneOf,
  writeTime,
  writeWord,
} from './record-fields.ts'

/** Their numbers are stored: new ones go to the end. */
const STATES: readonly Pick<Context, 'state' | 'sessionOnly'>[] = [
  { state: 'confirmed' },
  { state: 'provisional' },
  { state: 'challenged' },
  { state: 'confirmed', sessionOnly: true },
]
const GROUPS: readonly EvidenceGroup[] = ['N', 'D', 'C', 'R', 'K', 'B', 'P']

/** What a record keeps of a context, apart from its network and device. */
export type Standing = Omit<Context, 'key' | 'network' | 'device' | 'newAs'>

export function writeStanding(output: RecordWriter, context: Standing): void {
  const { writer } = output
  const { state, sessionOnly } = context
  writer.uint(STATES.findIndex((one) => one.state === state && one.sessionOnly === sessionOnly))
  writeTime(output, context.firstSeen)
  writeTime(output, context.lastSeen)
  writer.uint(context.visits)
  writer.int(context.evidence)
  writeTime(output, context.evidenceAt)
  writeList(output, context.because, ({ group, reason, weight }) => {
    writeOneOf(output, GROUPS, group)
    writeWord(output, reason)
    writer.int(weight)
  })
  writer.uint(context.rereads ?? 0)
}

export function readStanding(input: RecordReader): Standing {
  const { reader } = input
  const { state, sessionOnly } = readOneOf(input, STATES)
  const standing: Standing = {
    state,
    firstSeen: readTime(input),
    lastSeen: readTime(input),
    visits: readUint(reader),
    evidence: readInt(reader),
    evidenceAt: readTime(input),
    because: readList(input, readReason),
  }
  const rereads = readUint(reader)
  if (sessionOnly === undefined && rereads === 0) return standing
  return {
    ...standing,
    ...(sessionOnly === undefined ? {} : { sessionOnly }),
    ...(rereads === 0 ? {} : { rereads }),
  }
}

function readReason(input: RecordReader): Context['because'][number] {
  return {
    group: readOneOf(input, GROUPS),
    reason: readWord(input),
    weight: readInt(input.reader),
  }
}

/** The contexts that have `newAs`, by number. They are few, and none has it for long. */
export function newcomers(contexts: readonly Context[]): readonly (readonly [number, string])[] {
  return contexts.flatMap(({ newAs }, number) => (newAs === undefined ? [] : [[number, newAs]]))
}

export function readNewcomers(input: RecordReader): ReadonlyMap<number, string> {
  return new Map(readList(input, () => [readUint(input.reader), readWord(input)] as const))
}

export const NO_NEWCOMERS: ReadonlyMap<number, string> = new Map()

export function withNewcomers(
  contexts: readonly Context[],
  newcomers: ReadonlyMap<number, string>,
): readonly Context[] {
  if (newcomers.size === 0) return contexts
  return contexts.map((context, number) => {
    const newAs = newcomers.get(number)
    return newAs === undefined ? context : { ...context, newAs }
  })
}
