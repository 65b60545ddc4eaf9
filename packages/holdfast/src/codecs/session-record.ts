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
  readStepUp,
  readSwitchBack,
  readTokenFamily,
  writeFailed,
  writeProof,
  writeStepUp,
  writeSwitchBack,
  writeTokenFamily,
} from './family-record.ts'
import { type FactReader, factTable } from './record-facts.ts'
import {
  foreignLayout,
  readList,
  readOptional,
  readTime,
  readUse,
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
import { ReadHead, SessionReader } from './session-head.ts'

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
   * The secrets of its refresh tokens. Reads the rest, and looks no network up. Throws as `state`
   * does.
   */
  refresh(): TokenFamily | null
  /** Decodes the whole of it. Throws `record_invalid` where it is not as this version writes it. */
  state(): SessionState
  /**
   * Its bytes, and where its families are in them. Throws as `state` does. Undefined: the whole of
   * it has to be written, in another layout or without something that is past.
   */
  bytes(): SessionBytes | undefined
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
  return openSession(content, terms, readFacts, nameAttributes).state()
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
  const input = new SessionReader(reader, readFacts(reader), terms.createdAt)
  if (layout >= WITHOUT_ATTRIBUTES) {
    return new SessionInParts(content, input, new ReadHead(input, terms, attributesDigest), layout)
  }
  const state = { ...decodeEarlierLayout(input, terms, layout), attributesDigest }
  const { refresh } = state
  return {
    head: headOf(state),
    refresh: () => refresh,
    state: () => state,
    bytes: () => undefined,
  }
}

/** A session whose rest is decoded where something asks for it. */
class SessionInParts implements DecodedSession {
  readonly head: ReadHead
  private readonly content: Uint8Array
  private readonly input: SessionReader
  private readonly bodyAt: number
  private readonly layout: number
  private body: Body | undefined

  constructor(content: Uint8Array, input: SessionReader, head: ReadHead, layout: number) {
    this.head = head
    this.content = content
    this.input = input
    this.bodyAt = input.reader.at
    this.layout = layout
  }

  refresh(): TokenFamily | null {
    return this.bodyOf().refresh
  }

  state(): SessionState {
    const { facts, uses, lastUse } = this.input
    const { origin, standings, refresh, prompts, stepUp, switchBacks, newcomers, called } =
      this.bodyOf()
    const { calls, forkSince } = called
    const contexts = standings.map((its, at): Context => {
      const use = uses[at] ?? lastUse
      return { key: this.input.keyAt(at), ...usedAt(facts, use), ...its }
    })
    const { standing: _own, ...shared } = this.head
    const { context, at } = shared.last
    return {
      ...shared,
      origin: usedAt(facts, origin),
      refresh,
      contexts: withNewcomers(contexts, newcomers),
      last: { context, ...usedAt(facts, lastUse), at },
      prompts,
      switchBacks,
      stepUp: stepUp === null || forkSince === null ? stepUp : { ...stepUp, forkSince },
      ...(calls.length === 0 ? {} : { calls }),
    }
  }

  bytes(): SessionBytes | undefined {
    const { uses, familyAt, familyEnd } = this.input
    const { stepUp, refreshAt, refreshEnd, end } = this.bodyOf()
    // A step-up may be old enough to be left out.
    if (stepUp !== null || this.layout <= WITHOUT_ATTRIBUTES) return undefined
    return {
      content: binaryOf(this.content),
      epoch: this.input.epoch,
      keys: uses.map((_, at) => this.input.keyAt(at)),
      ...{ familyAt, familyEnd, refreshAt, refreshEnd, end },
    }
  }

  private bodyOf(): Body {
    if (this.body !== undefined) return this.body
    const { input, content, bodyAt } = this
    const { reader, uses, lastNumber } = input
    const { standing } = this.head
    reader.bytes = withZeros(content)
    reader.at = bodyAt
    const origin = readUse(input)
    const standings = uses.map((_, at) =>
      standing !== undefined && at === lastNumber - 1 ? standing : readStanding(input),
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
    const body = {
      ...{ origin, standings, refresh, refreshAt, refreshEnd },
      ...{ prompts, stepUp, switchBacks, newcomers, called, end },
    }
    this.body = body
    return body
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
