import { contextKey } from '../core/context.ts'
import {
  type Changes,
  type KnownContext,
  type KnownState,
  NO_HISTORY,
  type SubjectHistory,
} from '../core/history.ts'
import { createWriter, expectEnd, readInt, readUint, withoutZeros, withZeros } from './bytes.ts'
import { type FactReader, factTable } from './record-facts.ts'
import {
  foreignLayout,
  type RecordReader,
  readList,
  readOneOf,
  readTime,
  readUse,
  readWord,
  usedAt,
  writeList,
  writeOneOf,
  writeTime,
  writeUse,
  writeWord,
} from './record-fields.ts'

const LAYOUT = 2

/** An older layout: without the hours of the day and the counts of changes. */
const WITHOUT_COUNTS = 1

/** Their numbers are stored: new ones go to the end. */
const STATES: readonly KnownState[] = ['confirmed', 'provisional', 'familiar']

export function encodeHistory({
  contexts,
  failedLogins,
  hours,
  changes,
}: SubjectHistory): Uint8Array {
  const facts = factTable()
  const epoch = contexts[0]?.lastSeen ?? failedLogins[0] ?? 0
  const output = { writer: createWriter(), facts, epoch }
  writeList(output, contexts, (context) => {
    writeUse(output, context)
    writeOneOf(output, STATES, context.state)
    writeTime(output, context.firstSeen)
    writeTime(output, context.lastSeen)
    output.writer.uint(context.visits)
  })
  writeList(output, failedLogins, (at) => writeTime(output, at))
  writeList(output, hours, (visits) => output.writer.uint(visits))
  output.writer.uint(changes.period)
  output.writer.uint(changes.total)
  writeList(output, Object.entries(changes.byReason), ([reason, count]) => {
    writeWord(output, reason)
    output.writer.uint(count)
  })

  const head = createWriter()
  head.uint(LAYOUT)
  head.int(epoch)
  facts.write(head)
  return withoutZeros(Buffer.concat([head.end(), output.writer.end()]))
}

/** Throws `record_invalid` for a layout that this version does not know. */
export function decodeHistory(content: Uint8Array, readFacts: FactReader): SubjectHistory {
  const reader = { bytes: withZeros(content), at: 0 }
  const layout = readUint(reader)
  if (layout !== LAYOUT && layout !== WITHOUT_COUNTS) throw foreignLayout()
  const epoch = readInt(reader)
  const input: RecordReader = { reader, facts: readFacts(reader), epoch }
  const contexts = readList(input, readKnown)
  const failedLogins = readList(input, readTime)
  const counted = layout !== WITHOUT_COUNTS
  const hours = counted ? readList(input, () => readUint(reader)) : NO_HISTORY.hours
  const changes = counted ? readChanges(input) : NO_HISTORY.changes
  expectEnd(reader)
  return { contexts, failedLogins, hours, changes }
}

function readChanges(input: RecordReader): Changes {
  const { reader } = input
  const period = readUint(reader)
  const total = readUint(reader)
  const counts = readList(input, () => [readWord(input), readUint(reader)] as const)
  return { period, total, byReason: Object.fromEntries(counts) }
}

function readKnown(input: RecordReader): KnownContext {
  const { network, device } = usedAt(input.facts, readUse(input))
  return {
    key: contextKey(network, device),
    network,
    device,
    state: readOneOf(input, STATES),
    firstSeen: readTime(input),
    lastSeen: readTime(input),
    visits: readUint(input.reader),
  }
}
