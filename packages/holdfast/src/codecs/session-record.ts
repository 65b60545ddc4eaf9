import type { Context } from '../core/context.ts'
import {
  type CompletedStepUp,
  headOf,
  type SessionHead,
  type SessionState,
  type SwitchBack,
  type TokenFamily,
} from '../core/session.ts'
import { ATTRIBUTES_DIGEST_BYTES } from './attributes-digest.ts'
import {
  type ByteReader,
  binaryOf,
  createWriter,
  expectEnd,
  readHex,
  readText,
  readUint,
  withoutZeros,
  withZeros,
} from './bytes.ts'
import { type Calls, readCalls, writeCalls } from './calls-record.ts'
import {
  newcomers,
  readNewcomers,
  readStanding,
  type Standing,
  withNewcomers,
  writeStanding,
} from './context-record.ts'
import { decodeEarlierLayout, FIRST_LAYOUT } from './earlier-layouts.ts'
import {
  readFailed,
  readFork,
  readProof,
  readStepUp,
  readSwitchBack,
  readTokenFamily,
  sessionFamily,
  writeFailed,
  writeProof,
  writeStepUp,
  writeSwitchBack,
  writeTokenFamily,
} from './family-record.ts'
import { type FactReader, factTable } from './record-facts.ts'
import {
  addressOf,
  deviceOf,
  foreignLayout,
  isOneUse,
  keyOfUse,
  readList,
  readOptional,
  readTime,
  readUse,
  readWord,
  type Terms,
  type UseNumbers,
  usedAt,
  writeList,
  writeOptional,
  writeTime,
  writeUse,
  writeWord,
} from './record-fields.ts'
import type { SessionBytes } from './session-bytes.ts'

/**
 * First byte of a record. A change of the layout takes the next number. What a quiet verification
 * asks comes first; the rest is decoded where something asks for it.
 */
export const LAYOUT = 6

/** As today's, without the digest of the attributes. */
const WITHOUT_ATTRIBUTES = 5

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
  writeProof(output, state.family)
  writeTokenFamily(output, state.family)
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
  writeOptional({ ...output, writer: head }, state.attributesDigest, (digest) => head.hex(digest))
  facts.write(head)
  return withoutZeros(Buffer.concat([head.end(), output.writer.end()]))
}

/** A session as far as it was decoded. */
export interface DecodedSession {
  readonly head: SessionHead
  /**
   * The secrets of its refresh tokens. Reads the rest, and looks no network up. Throws as `rest`
   * does.
   */
  readonly refresh: () => TokenFamily | null
  /** Decodes the rest. Throws `record_invalid` where it is not as this version writes it. */
  readonly rest: () => SessionState
  /**
   * Its bytes, and where its families are in them. Throws as `rest` does. Undefined: the whole of
   * it has to be written, in another layout or without something that is past.
   */
  readonly bytes: () => SessionBytes | undefined
}

/**
 * Names the attributes of a record of an earlier layout, which does not: whoever knows them has
 * opened them.
 */
export type NameAttributes = () => string | null

/** Throws as {@link openSession} does. */
export function decodeSession(
  content: Uint8Array,
  terms: Terms,
  readFacts: FactReader,
  nameAttributes?: NameAttributes,
): SessionState {
  return openSession(content, terms, readFacts, nameAttributes).rest()
}

/**
 * Decodes what a quiet verification asks. Throws `record_invalid` for a layout that this version
 * does not know.
 */
export function openSession(
  content: Uint8Array,
  terms: Terms,
  readFacts: FactReader,
  nameAttributes: NameAttributes = () => null,
): DecodedSession {
  const reader = { bytes: withZeros(content), at: 0 }
  const layout = readUint(reader)
  if (layout < FIRST_LAYOUT || layout > LAYOUT) throw foreignLayout()
  const namesAttributes = layout > WITHOUT_ATTRIBUTES
  const attributesDigest = namesAttributes ? readAttributes(reader) : nameAttributes()
  const facts = readFacts(reader)
  let uses: readonly UseNumbers[] = []
  const keys: string[] = []
  const keyAt = (at: number): string => {
    const use = uses[at]
    if (use === undefined) return ''
    keys[at] ??= keyOfUse(facts, use)
    return keys[at] ?? ''
  }
  const input = { reader, facts, epoch: terms.createdAt, keyAt }
  if (layout < WITHOUT_ATTRIBUTES) {
    const state = { ...decodeEarlierLayout(input, terms, layout), attributesDigest }
    const { refresh } = state
    return {
      head: headOf(state),
      refresh: () => refresh,
      rest: () => state,
      bytes: () => undefined,
    }
  }

  const { id, createdAt, deadline, idleMs } = terms
  const generation = readUint(reader)
  const subject = readText(reader)
  const tenant = readWord(input)
  const name = readWord(input)
  const factors = readList(input, readWord)
  uses = readList(input, readUse)
  const lastUse = readUse(input)
  const lastAt = readTime(input)
  const number = readUint(reader)
  const standing = number === 0 ? undefined : readStanding(input)
  const proof = readProof(input)
  const familyAt = reader.at
  const family = sessionFamily(proof, readTokenFamily(input))
  const familyEnd = reader.at
  const fork = readOptional(input, readFork)
  const failures = readList(input, readFailed)
  const { at: bodyAt } = reader
  const known = uses.findIndex((use) => isOneUse(use, lastUse))
  const context = known < 0 ? keyOfUse(facts, lastUse) : keyAt(known)
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
    attributesDigest,
    family,
    fork,
    failures,
    last: { context, address, device: deviceOf(facts, lastUse), at: lastAt },
    standing,
  }

  let body: Body | undefined

  function bodyOf(): Body {
    if (body !== undefined) return body
    reader.bytes = withZeros(content)
    reader.at = bodyAt
    const origin = readUse(input)
    const standings = uses.map((_, at) =>
      standing !== undefined && at === number - 1 ? standing : readStanding(input),
    )
    const refreshAt = reader.at
    const refresh = readOptional(input, readTokenFamily)
    const refreshEnd = reader.at
    const prompts = readList(input, readTime)
    const stepUp = readOptional(input, readStepUp)
    const switchBacks = readList(input, readSwitchBack)
    const newcomers = readNewcomers(input)
    const called = readCalls(input)
    const end = reader.at
    expectEnd(reader)
    body = {
      ...{ origin, standings, refresh, refreshAt, refreshEnd },
      ...{ prompts, stepUp, switchBacks, newcomers, called, end },
    }
    return body
  }

  return {
    head,
    refresh: () => bodyOf().refresh,

    rest() {
      const { origin, standings, refresh, prompts, stepUp, switchBacks, newcomers, called } =
        bodyOf()
      const { calls, forkSince } = called
      const contexts = standings.map((its, at): Context => {
        const use = uses[at] ?? lastUse
        return { key: keyAt(at), ...usedAt(facts, use), ...its }
      })
      const { standing: _own, ...shared } = head
      return {
        ...shared,
        origin: usedAt(facts, origin),
        refresh,
        contexts: withNewcomers(contexts, newcomers),
        last: { context, ...usedAt(facts, lastUse), at: lastAt },
        prompts,
        switchBacks,
        stepUp: stepUp === null || forkSince === null ? stepUp : { ...stepUp, forkSince },
        ...(calls.length === 0 ? {} : { calls }),
      }
    },

    bytes() {
      const { stepUp, refreshAt, refreshEnd, end } = bodyOf()
      // A step-up may be old enough to be left out.
      if (stepUp !== null || !namesAttributes) return undefined
      return {
        content: binaryOf(content),
        epoch: createdAt,
        keys: uses.map((_, at) => keyAt(at)),
        ...{ familyAt, familyEnd, refreshAt, refreshEnd, end },
      }
    },
  }
}

function readAttributes(reader: ByteReader): string | null {
  return readUint(reader) === 0 ? null : readHex(reader, ATTRIBUTES_DIGEST_BYTES)
}

/** What is not decoded at once: as it is written, with networks by number. */
interface Body {
  readonly origin: UseNumbers
  readonly standings: readonly Standing[]
  readonly refresh: TokenFamily | null
  /** Where that family starts, and ends. */
  readonly refreshAt: number
  readonly refreshEnd: number
  readonly prompts: readonly number[]
  readonly stepUp: CompletedStepUp | null
  readonly switchBacks: readonly SwitchBack[]
  readonly newcomers: ReadonlyMap<number, string>
  readonly called: Calls
  readonly end: number
}
