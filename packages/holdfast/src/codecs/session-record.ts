import { type Context, type ContextState, contextKey } from '../core/context.ts'
import type { EvidenceGroup } from '../core/evidence.ts'
import type { SessionState } from '../core/session.ts'
import type { Entry } from '../core/store.ts'
import {
  createWriter,
  expectEnd,
  readInt,
  readText,
  readUint,
  withoutZeros,
  withZeros,
} from './bytes.ts'
import {
  readFailed,
  readFamily,
  readLine,
  readStepUp,
  readSwitchBack,
  writeFailed,
  writeFamily,
  writeLine,
  writeStepUp,
  writeSwitchBack,
} from './family-record.ts'
import { type FactReader, factTable } from './record-facts.ts'
import {
  foreignLayout,
  type Page,
  type Pen,
  readList,
  readOneOf,
  readOptional,
  readTime,
  readUse,
  readWord,
  writeList,
  writeOneOf,
  writeOptional,
  writeTime,
  writeUse,
  writeWord,
} from './record-fields.ts'

/** First byte of a record. A change of the layout takes the next number. */
const LAYOUT = 2

/** Ends before the returns to a client and what contexts were new as. */
const WITHOUT_RETURNS = 1

/** What stands in clear beside a record and is authenticated with it: it is not repeated inside. */
export type Terms = Pick<Entry, 'id' | 'createdAt' | 'deadline' | 'idleMs'>

export function encodeSession(state: SessionState): Uint8Array {
  const facts = factTable()
  const keys = state.contexts.map(({ key }) => key)
  const pen = { writer: createWriter(), facts, epoch: state.createdAt, keys }

  pen.writer.uint(state.generation)
  pen.writer.text(state.subject)
  writeWord(pen, state.tenant)
  writeWord(pen, state.class)
  writeList(pen, state.factors, (factor) => writeWord(pen, factor))
  writeUse(pen, state.origin)
  writeList(pen, state.contexts, (context) => writeContext(pen, context))
  writeFamily(pen, state.family)
  writeOptional(pen, state.refresh, (line) => writeLine(pen, line))
  writeUse(pen, state.last)
  writeTime(pen, state.last.at)
  writeOptional(pen, state.fork, ({ at }) => writeTime(pen, at))
  writeList(pen, state.prompts, (at) => writeTime(pen, at))
  writeList(pen, state.failures, (failed) => writeFailed(pen, failed))
  writeOptional(pen, state.stepUp, (stepUp) => writeStepUp(pen, stepUp))
  writeList(pen, state.switchBacks, (switchBack) => writeSwitchBack(pen, switchBack))
  writeList(pen, newcomers(state.contexts), ([place, newAs]) => {
    pen.writer.uint(place)
    writeWord(pen, newAs)
  })

  const head = createWriter()
  head.uint(LAYOUT)
  facts.write(head)
  return withoutZeros(Buffer.concat([head.end(), pen.writer.end()]))
}

/** Throws `record_invalid` for a layout that this version does not know. */
export function decodeSession(
  content: Uint8Array,
  terms: Terms,
  readFacts: FactReader,
): SessionState {
  const { id, createdAt, deadline, idleMs } = terms
  const cursor = { bytes: withZeros(content), at: 0 }
  const layout = readUint(cursor)
  if (layout !== LAYOUT && layout !== WITHOUT_RETURNS) throw foreignLayout()
  const page: Page = { cursor, facts: readFacts(cursor), epoch: createdAt }

  const generation = readUint(cursor)
  const subject = readText(cursor)
  const tenant = readWord(page)
  const name = readWord(page)
  const factors = readList(page, () => readWord(page))
  const origin = readUse(page)
  const contexts = readList(page, () => readContext(page))
  const keyed = { ...page, keys: contexts.map(({ key }) => key) }
  const family = readFamily(keyed)
  const refresh = readOptional(page, () => readLine(keyed))
  const { network, device } = readUse(page)
  const last = { context: contextKey(network, device), network, device, at: readTime(page) }
  const fork = readOptional(page, () => ({ at: readTime(page) }))
  const prompts = readList(page, () => readTime(page))
  const failures = readList(page, () => readFailed(keyed))
  const stepUp = readOptional(page, () => readStepUp(keyed))
  const switchBacks = layout === WITHOUT_RETURNS ? [] : readList(page, () => readSwitchBack(keyed))
  const newcomers = new Map(
    layout === WITHOUT_RETURNS
      ? []
      : readList(page, () => [readUint(cursor), readWord(page)] as const),
  )
  expectEnd(cursor)
  return {
    id,
    subject,
    tenant,
    class: name,
    generation,
    createdAt,
    deadline,
    idleMs,
    factors,
    origin,
    family,
    refresh,
    contexts: contexts.map((context, place) => {
      const newAs = newcomers.get(place)
      return newAs === undefined ? context : { ...context, newAs }
    }),
    last,
    fork,
    prompts,
    failures,
    switchBacks,
    stepUp,
  }
}

/** Few contexts have it, and none for long. */
function newcomers(contexts: readonly Context[]): readonly (readonly [number, string])[] {
  return contexts.flatMap(({ newAs }, place) => (newAs === undefined ? [] : [[place, newAs]]))
}

/** Their places are stored: new ones go to the end. */
const STATES: readonly ContextState[] = ['confirmed', 'provisional', 'challenged']
const GROUPS: readonly EvidenceGroup[] = ['N', 'D', 'C', 'R', 'K', 'B', 'P']

function writeContext(pen: Pen, context: Context): void {
  const { writer } = pen
  writeUse(pen, context)
  writeOneOf(pen, STATES, context.state)
  writeTime(pen, context.firstSeen)
  writeTime(pen, context.lastSeen)
  writer.uint(context.visits)
  writer.int(context.evidence)
  writeTime(pen, context.evidenceAt)
  writeList(pen, context.because, ({ group, reason, weight }) => {
    writeOneOf(pen, GROUPS, group)
    writeWord(pen, reason)
    writer.int(weight)
  })
  writer.uint(context.rereads ?? 0)
}

function readContext(page: Page): Context {
  const { cursor } = page
  const { network, device } = readUse(page)
  const context: Context = {
    key: contextKey(network, device),
    network,
    device,
    state: readOneOf(page, STATES),
    firstSeen: readTime(page),
    lastSeen: readTime(page),
    visits: readUint(cursor),
    evidence: readInt(cursor),
    evidenceAt: readTime(page),
    because: readList(page, () => ({
      group: readOneOf(page, GROUPS),
      reason: readWord(page),
      weight: readInt(cursor),
    })),
  }
  const rereads = readUint(cursor)
  return rereads === 0 ? context : { ...context, rereads }
}
