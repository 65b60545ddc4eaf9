import { type Context, contextKey } from '../core/context.ts'
import type { EvidenceGroup } from '../core/evidence.ts'
import { CALL_METHODS, type KeptCall } from '../core/sensitive-calls.ts'
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
  foreignLayout,
  type RecordReader,
  type RecordWriter,
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
import { readUnlinkedFamily, skipUnlinkedStepUp } from './unlinked-family.ts'

/** First byte of a record. A change of the layout takes the next number. */
const LAYOUT = 4

/**
 * Older layouts: without sensitive calls; before that, secrets without links; before that, without
 * switch-backs and `newAs`.
 */
const WITHOUT_CALLS = 3
const UNLINKED = 2
const WITHOUT_SWITCH_BACKS = 1

/** What is stored in clear beside a record and authenticated with it. Not repeated inside. */
export type Terms = Pick<Entry, 'id' | 'createdAt' | 'deadline' | 'idleMs'>

export function encodeSession(state: SessionState): Uint8Array {
  const facts = factTable()
  const keys = state.contexts.map(({ key }) => key)
  const output = { writer: createWriter(), facts, epoch: state.createdAt, keys }

  output.writer.uint(state.generation)
  output.writer.text(state.subject)
  writeWord(output, state.tenant)
  writeWord(output, state.class)
  writeList(output, state.factors, (factor) => writeWord(output, factor))
  writeUse(output, state.origin)
  writeList(output, state.contexts, (context) => writeContext(output, context))
  writeSessionFamily(output, state.family)
  writeOptional(output, state.refresh, (family) => writeTokenFamily(output, family))
  writeUse(output, state.last)
  writeTime(output, state.last.at)
  writeOptional(output, state.fork, ({ at }) => writeTime(output, at))
  writeList(output, state.prompts, (at) => writeTime(output, at))
  writeList(output, state.failures, (failed) => writeFailed(output, failed))
  writeOptional(output, state.stepUp, (stepUp) => writeStepUp(output, stepUp))
  writeList(output, state.switchBacks, (switchBack) => writeSwitchBack(output, switchBack))
  writeList(output, newcomers(state.contexts), ([number, newAs]) => {
    output.writer.uint(number)
    writeWord(output, newAs)
  })
  writeCalls(output, state)

  const head = createWriter()
  head.uint(LAYOUT)
  facts.write(head)
  return withoutZeros(Buffer.concat([head.end(), output.writer.end()]))
}

/** Throws `record_invalid` for a layout that this version does not know. */
export function decodeSession(
  content: Uint8Array,
  terms: Terms,
  readFacts: FactReader,
): SessionState {
  const { id, createdAt, deadline, idleMs } = terms
  const reader = { bytes: withZeros(content), at: 0 }
  const layout = readUint(reader)
  if (layout < WITHOUT_SWITCH_BACKS || layout > LAYOUT) throw foreignLayout()
  const readFamily = layout <= UNLINKED ? readUnlinkedFamily : readTokenFamily
  const input: RecordReader = { reader, facts: readFacts(reader), epoch: createdAt }

  const generation = readUint(reader)
  const subject = readText(reader)
  const tenant = readWord(input)
  const name = readWord(input)
  const factors = readList(input, () => readWord(input))
  const origin = readUse(input)
  const contexts = readList(input, () => readContext(input))
  const keyed = { ...input, keys: contexts.map(({ key }) => key) }
  const family = readSessionFamily(keyed, readFamily)
  const refresh = readOptional(input, () => readFamily(keyed))
  const { network, device } = readUse(input)
  const last = { context: contextKey(network, device), network, device, at: readTime(input) }
  const fork = readOptional(input, () => ({ at: readTime(input) }))
  const prompts = readList(input, () => readTime(input))
  const failures = readList(input, () => readFailed(keyed))
  const stepUp = readOptional(input, () =>
    layout <= UNLINKED ? skipUnlinkedStepUp(keyed) : readStepUp(keyed),
  )
  const switchBacks =
    layout === WITHOUT_SWITCH_BACKS ? [] : readList(input, () => readSwitchBack(keyed))
  const newcomers = new Map(
    layout === WITHOUT_SWITCH_BACKS
      ? []
      : readList(input, () => [readUint(reader), readWord(input)] as const),
  )
  const { calls, forkSince } = layout <= WITHOUT_CALLS ? NO_CALLS : readCalls(input)
  expectEnd(reader)
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
    contexts: contexts.map((context, number) => {
      const newAs = newcomers.get(number)
      return newAs === undefined ? context : { ...context, newAs }
    }),
    last,
    fork,
    prompts,
    failures,
    switchBacks,
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
    ...readUse(input),
  }))
  return { calls, forkSince: readOptional(input, () => readTime(input)) }
}

/** The contexts that have `newAs`, by number. They are few, and none has it for long. */
function newcomers(contexts: readonly Context[]): readonly (readonly [number, string])[] {
  return contexts.flatMap(({ newAs }, number) => (newAs === undefined ? [] : [[number, newAs]]))
}

/** Their numbers are stored: new ones go to the end. */
const STATES: readonly Pick<Context, 'state' | 'sessionOnly'>[] = [
  { state: 'confirmed' },
  { state: 'provisional' },
  { state: 'challenged' },
  { state: 'confirmed', sessionOnly: true },
]
const GROUPS: readonly EvidenceGroup[] = ['N', 'D', 'C', 'R', 'K', 'B', 'P']

function writeContext(output: RecordWriter, context: Context): void {
  const { writer } = output
  writeUse(output, context)
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

function readContext(input: RecordReader): Context {
  const { reader } = input
  const { network, device } = readUse(input)
  const context: Context = {
    key: contextKey(network, device),
    network,
    device,
    ...readOneOf(input, STATES),
    firstSeen: readTime(input),
    lastSeen: readTime(input),
    visits: readUint(reader),
    evidence: readInt(reader),
    evidenceAt: readTime(input),
    because: readList(input, () => ({
      group: readOneOf(input, GROUPS),
      reason: readWord(input),
      weight: readInt(reader),
    })),
  }
  const rereads = readUint(reader)
  return rereads === 0 ? context : { ...context, rereads }
}
