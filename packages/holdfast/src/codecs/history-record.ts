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

const LAYOUT = 1

/** Their places are stored: new ones go to the end. */
const STATES: readonly KnownContext['state'][] = ['confirmed', 'provisional']

export function encodeHistory({ contexts, failedLogins }: SubjectHistory): Uint8Array {
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

  const head = createWriter()
  head.uint(LAYOUT)
  head.int(epoch)
  facts.write(head)
  return withoutZeros(Buffer.concat([head.end(), pen.writer.end()]))
}

/** Throws `record_invalid` for another layout than this version writes. */
export function decodeHistory(content: Uint8Array, readFacts: FactReader): SubjectHistory {
  const cursor = { bytes: withZeros(content), at: 0 }
  if (readUint(cursor) !== LAYOUT) throw foreignLayout()
  const epoch = readInt(cursor)
  const page: Page = { cursor, facts: readFacts(cursor), epoch }
  const contexts = readList(page, () => readKnown(page))
  const failedLogins = readList(page, () => readTime(page))
  expectEnd(cursor)
  return { contexts, failedLogins }
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
