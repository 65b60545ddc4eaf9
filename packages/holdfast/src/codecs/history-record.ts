import { contextKey } from '../core/context.ts'
import {
  type Changes,
  type KnownContext,
  NO_HISTORY,
  type SubjectHistory,
} from '../core/history.ts'
import { createWriter, expectEnd, readInt, readUint, withoutZeros, withZeros } from './bytes.ts'
import { type FactReader, factTable } from './record-facts.ts'
import {
  foreignLayout,
  type Page,
  readList,
  readOneOf,
  readTime,
  readUse,
  readWord,
  writeList,
  writeOneOf,
  writeTime,
  writeUse,
  writeWord,
} from './record-fields.ts'

const LAYOUT = 2

/** Ends before the hours of the day and the counts of changes. */
const WITHOUT_COUNTS = 1

/** Their places are stored: new ones go to the end. */
const STATES: readonly KnownContext['state'][] = ['confirmed', 'provisional']

export function encodeHistory({
  contexts,
  failedLogins,
  hours,
  changes,
}: SubjectHistory): Uint8Array {
  const facts = factTable()
  const epoch = contexts[0]?.lastSeen ?? failedLogins[0] ?? 0
  const pen = { writer: createWriter(), facts, epoch }
  writeList(pen, contexts, (context) => {
    writeUse(pen, context)
    writeOneOf(pen, STATES, context.state)
    writeTime(pen, context.firstSeen)
    writeTime(pen, context.lastSeen)
    pen.writer.uint(context.visits)
  })
  writeList(pen, failedLogins, (at) => writeTime(pen, at))
  writeList(pen, hours, (visits) => pen.writer.uint(visits))
  pen.writer.uint(changes.period)
  pen.writer.uint(changes.total)
  writeList(pen, Object.entries(changes.byReason), ([reason, count]) => {
    writeWord(pen, reason)
    pen.writer.uint(count)
  })

  const head = createWriter()
  head.uint(LAYOUT)
  head.int(epoch)
  facts.write(head)
  return withoutZeros(Buffer.concat([head.end(), pen.writer.end()]))
}

/** Throws `record_invalid` for a layout that this version does not know. */
export function decodeHistory(content: Uint8Array, readFacts: FactReader): SubjectHistory {
  const cursor = { bytes: withZeros(content), at: 0 }
  const layout = readUint(cursor)
  if (layout !== LAYOUT && layout !== WITHOUT_COUNTS) throw foreignLayout()
  const epoch = readInt(cursor)
  const page: Page = { cursor, facts: readFacts(cursor), epoch }
  const contexts = readList(page, () => readKnown(page))
  const failedLogins = readList(page, () => readTime(page))
  const counted = layout !== WITHOUT_COUNTS
  const hours = counted ? readList(page, () => readUint(cursor)) : NO_HISTORY.hours
  const changes = counted ? readChanges(page) : NO_HISTORY.changes
  expectEnd(cursor)
  return { contexts, failedLogins, hours, changes }
}

function readChanges(page: Page): Changes {
  const { cursor } = page
  const period = readUint(cursor)
  const total = readUint(cursor)
  const counts = readList(page, () => [readWord(page), readUint(cursor)] as const)
  return { period, total, byReason: Object.fromEntries(counts) }
}

function readKnown(page: Page): KnownContext {
  const { network, device } = readUse(page)
  return {
    key: contextKey(network, device),
    network,
    device,
    state: readOneOf(page, STATES),
    firstSeen: readTime(page),
    lastSeen: readTime(page),
    visits: readUint(page.cursor),
  }
}
