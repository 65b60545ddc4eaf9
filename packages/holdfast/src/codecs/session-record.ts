import type { Context } from '../core/context.ts'
import { CALL_METHODS, type KeptCall } from '../core/sensitive-calls.ts'
import { headOf, type SessionHead, type SessionState } from '../core/session.ts'
import type { Entry } from '../core/store.ts'
import { createWriter, expectEnd, readText, readUint, withoutZeros, withZeros } from './bytes.ts'
import {
  NO_NEWCOMERS,
  newcomers,
  readNewcomers,
  readStanding,
  withNewcomers,
  writeStanding,
} from './context-record.ts'
import {
  readFailed,
  readSessionFamily,
  readStepUp,
  readSwitchBack,
  readTokenFamily,
  writeFailed,
  writeSessionFamily,
  writeStepUp,
  writeSwitchBack,
  writeTokenFamily,
} from './family-record.ts'
import { type FactReader, factTable } from './record-facts.ts'
import {
  addressOf,
  deviceOf,
  foreignLayout,
  keyOfUse,
  type RecordReader,
  type RecordWriter,
  readList,
  readOneOf,
  readOptional,
  readTime,
  readUse,
  readWord,
  usedAt,
  writeList,
  writeOneOf,
  writeOptional,
  writeTime,
  writeUse,
  writeWord,
} from './record-fields.ts'
import { readUnlinkedFamily, skipUnlinkedStepUp } from './unlinked-family.ts'

/**
 * First byte of a record. A change of the layout takes the next number. What a quiet verification
 * asks comes first; the rest is decoded where something asks for it.
 */
const LAYOUT = 5

/**
 * Older layouts: 4, everything in one piece; before that, without sensitive calls; before that,
 * secrets without links; before that, without switch-backs and `newAs`.
 */
const WITHOUT_CALLS = 3
const UNLINKED = 2
const WITHOUT_SWITCH_BACKS = 1

/** What is stored in clear beside a record and authenticated with it. Not repeated inside. */
export type Terms = Pick<Entry, 'id' | 'createdAt' | 'deadline' | 'idleMs'>

export function encodeSession(state: SessionState): Uint8Array {
  const { contexts, last } = state
  const facts = factTable()
  const keys = contexts.map(({ key }) => key)
  const output = { writer: createWriter(), facts, epoch: state.createdAt, keys }
  const lastAt = keys.indexOf(last.context)
  const lastContext = contexts[lastAt]

  output.writer.uint(state.generation)
  output.writer.text(state.subject)
  writeWord(output, state.tenant)
  writeWord(output, state.class)
  writeList(output, state.factors, (factor) => writeWord(output, factor))
  writeList(output, contexts, (context) => writeUse(output, context))
  writeUse(output, last)
  writeTime(output, last.at)
  output.writer.uint(lastAt + 1)
  if (lastContext !== undefined) writeStanding(output, lastContext)
  writeSessionFamily(output, state.family)
  writeOptional(output, state.fork, ({ at }) => writeTime(output, at))
  writeList(output, state.failures, (failed) => writeFailed(output, failed))

  writeUse(output, state.origin)
  for (const context of contexts) if (context !== lastContext) writeStanding(output, context)
  writeOptional(output, state.refresh, (family) => writeTokenFamily(output, family))
  writeList(output, state.prompts, (at) => writeTime(output, at))
  writeOptional(output, state.stepUp, (stepUp) => writeStepUp(output, stepUp))
  writeList(output, state.switchBacks, (switchBack) => writeSwitchBack(output, switchBack))
  writeList(output, newcomers(contexts), ([number, newAs]) => {
    output.writer.uint(number)
    writeWord(output, newAs)
  })
  writeCalls(output, state)

  const head = createWriter()
  head.uint(LAYOUT)
  facts.write(head)
  return withoutZeros(Buffer.concat([head.end(), output.writer.end()]))
}

/** A session as far as it was decoded. */
export interface DecodedSession {
  readonly head: SessionHead
  /** Decodes the rest. Throws `record_invalid` where it is not as this version writes it. */
  readonly rest: () => SessionState
}

/** Throws as {@link openSession} does. */
export function decodeSession(
  content: Uint8Array,
  terms: Terms,
  readFacts: FactReader,
): SessionState {
  return openSession(content, terms, readFacts).rest()
}

/**
 * Decodes what a quiet verification asks. Throws `record_invalid` for a layout that this version
 * does not know.
 */
export function openSession(
  content: Uint8Array,
  terms: Terms,
  readFacts: FactReader,
): DecodedSession {
  const reader = { bytes: withZeros(content), at: 0 }
  const layout = readUint(reader)
  if (layout < WITHOUT_SWITCH_BACKS || layout > LAYOUT) throw foreignLayout()
  const input: RecordReader = { reader, facts: readFacts(reader), epoch: terms.createdAt }
  if (layout < LAYOUT) {
    const state = decodeWithoutHead(input, terms, layout)
    return { head: headOf(state), rest: () => state }
  }

  const { id, createdAt, deadline, idleMs } = terms
  const { facts } = input
  const generation = readUint(reader)
  const subject = readText(reader)
  const tenant = readWord(input)
  const name = readWord(input)
  const factors = readList(input, readWord)
  const uses = readList(input, readUse)
  const keys: string[] = []
  for (const use of uses) keys.push(keyOfUse(facts, use))
  const keyed = { ...input, keys }
  const lastUse = readUse(input)
  const lastAt = readTime(input)
  const number = readUint(reader)
  const standing = number === 0 ? undefined : readStanding(input)
  const family = readSessionFamily(keyed, readTokenFamily)
  const fork = readOptional(input, readFork)
  const failures = readList(keyed, readFailed)
  const { at: bodyAt } = reader
  const context = keyOfUse(facts, lastUse)
  const address = addressOf(facts, lastUse)
  const head: SessionHead = {
    id,
    subject,
    tenant,
    class: name,
    generation,
    createdAt,
    deadline,
    idleMs,
    factors,
    family,
    fork,
    failures,
    last: { context, address, device: deviceOf(facts, lastUse), at: lastAt },
    standing,
  }

  function rest(): SessionState {
    reader.bytes = withZeros(content)
    reader.at = bodyAt
    const origin = usedAt(facts, readUse(input))
    const contexts = uses.map((use, at): Context => {
      const its = standing !== undefined && at === number - 1 ? standing : readStanding(input)
      return { key: keys[at] ?? '', ...usedAt(facts, use), ...its }
    })
    const refresh = readOptional(keyed, readTokenFamily)
    const prompts = readList(input, readTime)
    const stepUp = readOptional(keyed, readStepUp)
    const switchBacks = readList(keyed, readSwitchBack)
    const newcomers = readNewcomers(input)
    const { calls, forkSince } = readCalls(input)
    expectEnd(reader)
    const { standing: _own, ...shared } = head
    return {
      ...shared,
      origin,
      refresh,
      contexts: withNewcomers(contexts, newcomers),
      last: { context, ...usedAt(facts, lastUse), at: lastAt },
      prompts,
      switchBacks,
      stepUp: stepUp === null || forkSince === null ? stepUp : { ...stepUp, forkSince },
      ...(calls.length === 0 ? {} : { calls }),
    }
  }

  return { head, rest }
}

function decodeWithoutHead(input: RecordReader, terms: Terms, layout: number): SessionState {
  const { id, createdAt, deadline, idleMs } = terms
  const { reader, facts } = input
  const readFamily = layout <= UNLINKED ? readUnlinkedFamily : readTokenFamily
  const generation = readUint(reader)
  const subject = readText(reader)
  const tenant = readWord(input)
  const name = readWord(input)
  const factors = readList(input, readWord)
  const origin = usedAt(facts, readUse(input))
  const contexts = readList(input, (): Context => {
    const use = readUse(input)
    return { key: keyOfUse(facts, use), ...usedAt(facts, use), ...readStanding(input) }
  })
  const keyed = { ...input, keys: contexts.map(({ key }) => key) }
  const family = readSessionFamily(keyed, readFamily)
  const refresh = readOptional(keyed, readFamily)
  const lastUse = readUse(input)
  const last = { context: keyOfUse(facts, lastUse), ...usedAt(facts, lastUse), at: readTime(input) }
  const fork = readOptional(input, readFork)
  const prompts = readList(input, readTime)
  const failures = readList(keyed, readFailed)
  const stepUp = readOptional(input, () =>
    layout <= UNLINKED ? skipUnlinkedStepUp(keyed) : readStepUp(keyed),
  )
  const switchBacks = layout === WITHOUT_SWITCH_BACKS ? [] : readList(keyed, readSwitchBack)
  const newcomers = layout === WITHOUT_SWITCH_BACKS ? NO_NEWCOMERS : readNewcomers(input)
  const { calls, forkSince } = layout <= WITHOUT_CALLS ? NO_CALLS : readCalls(input)
  expectEnd(reader)
  return {
    ...{ id, subject, tenant, class: name, generation, createdAt, deadline, idleMs },
    ...{ factors, origin, family, refresh },
    contexts: withNewcomers(contexts, newcomers),
    ...{ last, fork, prompts, failures, switchBacks },
    stepUp: stepUp === null || forkSince === null ? stepUp : { ...stepUp, forkSince },
    ...(calls.length === 0 ? {} : { calls }),
  }
}

/** Sensitive calls, and since when they are told as the answer of a step-up. */
interface Calls {
  readonly calls: readonly KeptCall[]
  readonly forkSince: number | null
}

const NO_CALLS: Calls = { calls: [], forkSince: null }

function writeCalls(output: RecordWriter, { calls = [], stepUp }: SessionState): void {
  writeList(output, calls, (call) => {
    writeTime(output, call.at)
    writeOneOf(output, CALL_METHODS, call.method)
    writeUse(output, call)
  })
  writeOptional(output, stepUp?.forkSince ?? null, (at) => writeTime(output, at))
}

function readCalls(input: RecordReader): Calls {
  const calls = readList(input, () => ({
    at: readTime(input),
    method: readOneOf(input, CALL_METHODS),
    ...usedAt(input.facts, readUse(input)),
  }))
  return { calls, forkSince: readOptional(input, readTime) }
}

function readFork(input: RecordReader): NonNullable<SessionState['fork']> {
  return { at: readTime(input) }
}
