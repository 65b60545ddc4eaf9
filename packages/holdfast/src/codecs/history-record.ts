import { contextKey } from '../core/context.ts'
import type { KnownContext, SubjectHistory } from '../core/history.ts'
import { createWriter, expectEnd, readInt, readUint, withoutZeros, withZeros } from './bytes.ts'
import { type FactReader, factTable } from './record-facts.ts'
import {
  foreignLayout,
  type Page,
  readList,
  readOneOf,
  readTime,
  readUse,
  writeList,
  writeOneOf,
  writeTime,
  writeUse,
} from './record-fields.ts'

const LAYOUT = 2

/** Ends before the hours of the day. */
const WITHOUT_HOURS = 1

/** Their places are stored: new ones go to the end. */
const STATES: readonly KnownContext['state'][] = ['confirmed', 'provisional']

export function encodeHistory({ contexts, failedLogins, hours }: SubjectHistory): Uint8Array {
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
  if (layout !== LAYOUT && layout !== WITHOUT_HOURS) throw foreignLayout()
  const epoch = readInt(cursor)
  const page: Page = { cursor, facts: readFacts(cursor), epoch }
  const contexts = readList(page, () => readKnown(page))
  const failedLogins = readList(page, () => readTime(page))
  const hours = layout === WITHOUT_HOURS ? [] : readList(page, () => readUint(cursor))
  expectEnd(cursor)
  return { contexts, failedLogins, hours }
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
