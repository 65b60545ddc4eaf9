import type { PersonalFacts, SessionEvent } from '../core/events.ts'
import type { Evidence } from '../core/evidence.ts'
import { isSessionId, isSubjectKey, subjectOf } from '../core/ids.ts'
import { evidenceOf, REASONS, type Reason } from '../signals/reasons.ts'
import {
  type ByteReader,
  type ByteWriter,
  createWriter,
  readBytes,
  readText,
  readUint,
} from './bytes.ts'
import { type Codec, eventIdentity } from './codec.ts'
import { foreignLayout } from './record-fields.ts'
import { EVENT_WORDS, TIME_ZONES, WORDS } from './word-lists.ts'

/** First byte of a packed event. Events of before are JSON text, which starts with a brace. */
const PACKED = 1
const BRACE = '{'.charCodeAt(0)

/** What the record of an event has: the event, and apart from it what tells who a person is. */
export interface OpenedEvent {
  readonly event: SessionEvent
  readonly personal: PersonalFacts | null
}

/**
 * Seals an event. Its id stands beside it in the feed and is not repeated. A login without reasons
 * takes some 110 bytes, as JSON it would take 510.
 */
export function sealEvent(
  codec: Codec,
  event: SessionEvent,
  personal: PersonalFacts | null = null,
): Uint8Array {
  return codec.seal(eventIdentity(event.id), encodeEvent(event, personal))
}

/** Throws `record_invalid` and `key_unknown` as {@link Codec.open} does. */
export function openEvent(codec: Codec, id: string, sealed: Uint8Array): OpenedEvent {
  return decodeEvent(id, codec.open(eventIdentity(id), sealed))
}

/** An event as bytes. Fields that this version does not know of are kept, too. */
export function encodeEvent(
  { id: _, authentication, trace, ...event }: SessionEvent,
  personal: PersonalFacts | null = null,
): Uint8Array {
  const { session, subject, decision } = event
  const writer = createWriter()
  writer.uint(PACKED)
  const output = { writer, said: [] }
  const traced = trace !== undefined || personal !== null
  writeValue(output, {
    ...event,
    subject: subject !== null && session !== null && subject === ownerOf(session) ? true : subject,
    decision: decision && { ...decision, because: decision.because.map(shortened) },
    ...(traced || authentication !== undefined ? { authentication: authentication ?? ABSENT } : {}),
    ...(traced ? { trace: trace ?? ABSENT, personal: personal ?? ABSENT } : {}),
  })
  return writer.end()
}

/** Throws `record_invalid` for a layout that this version does not know. */
export function decodeEvent(id: string, content: Buffer): OpenedEvent {
  if (content[0] === BRACE) {
    return { event: JSON.parse(content.toString()) as SessionEvent, personal: null }
  }
  const reader = { bytes: content, at: 0 }
  if (readUint(reader) !== PACKED) throw foreignLayout()
  const event = readValue({ reader, said: [] }, 0) as Packed
  if (reader.at !== content.length) throw foreignLayout()
  const { personal = null, ...packed } = event
  const { subject, session, decision } = packed
  const restoredEvent = {
    id,
    ...packed,
    subject: subject === true ? subjectOf(known(session ?? undefined)) : subject,
    decision: decision && { ...decision, because: decision.because.map(restored) },
  } as SessionEvent
  return { event: restoredEvent, personal }
}

/** An event without what follows from the rest of it. */
interface Packed extends Omit<SessionEvent, 'id' | 'subject' | 'decision'> {
  readonly subject: string | true | null
  readonly personal?: PersonalFacts
  readonly decision: (Omit<Decision, 'because'> & { readonly because: readonly Short[] }) | null
}

type Decision = NonNullable<SessionEvent['decision']>
type Short = Pick<Evidence, 'reason' | 'weight' | 'detail'> & Partial<Evidence>

function ownerOf(session: string): string | undefined {
  return isSessionId(session) ? subjectOf(session) : undefined
}

/** Without group and text, where the catalogue of reasons says the same. */
function shortened(evidence: Evidence): Short {
  const { reason, weight, detail, ...more } = evidence
  if (!isReason(reason)) return evidence
  const usual = evidenceOf(reason, weight, detail)
  const same = usual.group === evidence.group && usual.text === evidence.text
  return same && Object.keys(more).length === 2 ? { reason, weight, detail } : evidence
}

function restored(short: Short): Evidence {
  const { group, text, reason, weight, detail } = short
  if (group !== undefined && text !== undefined) return { ...short, group, text }
  if (!isReason(reason)) throw foreignLayout()
  return evidenceOf(reason, weight, detail)
}

function isReason(reason: string): reason is Reason {
  return Object.hasOwn(REASONS, reason)
}

const EVENT = [
  'type',
  'at',
  'actor',
  'subject',
  'session',
  'network',
  'device',
  'decision',
  'situation',
  'reason',
  'correlation',
] as const

/**
 * Objects that most events consist of, by their fields in order. Their numbers are stored: new ones
 * go to the end, and none changes.
 */
const SHAPES: readonly (readonly string[])[] = [
  EVENT,
  ['asn', 'organisation', 'kind', 'country', 'city'],
  ['family', 'major', 'os'],
  ['outcome', 'score', 'because'],
  ['reason', 'weight', 'detail'],
  ['group', 'reason', 'weight', 'detail', 'text'],
  ['here', 'usual', 'asn', 'kind', 'country', 'timezone'],
  ['here', 'before'],
  [
    'sensitivity',
    'reading',
    'context',
    'networkConfirmed',
    'missing',
    'forked',
    'canStepUp',
    'signalFailed',
    'prompts',
    'contradiction',
  ],
  [...EVENT, 'authentication'],
  [...EVENT, 'authentication', 'trace', 'personal'],
  ['acr', 'amr'],
  ['subject', 'tenant', 'address', 'userAgent'],
]

const MOST_DEPTH = 16

/** What a value is. The code in front of it is `8 * argument + kind`. */
const CONSTANT = 0
const NATURAL = 1
const NEGATIVE = 2
/** A number as text, or a session id or subject key as its bytes. */
const SPELLED = 3
/** The argument is the length in bytes. */
const TEXT = 4
const LISTED = 5
const LIST = 6
/** The argument is a number of {@link SHAPES} plus 1; 0 for fields that come with their names. */
const FIELDS = 7

/** Stands for a field that an event does not have, so that one shape fits with and without it. */
const ABSENT = Symbol('absent')

/** Their numbers are stored. */
const CONSTANTS: readonly unknown[] = [null, false, true, ABSENT]
const NUMBER = 0
const SUBJECT_KEY = 1
const SESSION_ID = 2

/** Lists of words by number, and in place 0 what the event has said before. */
const LISTS: readonly (readonly string[])[] = [[], EVENT_WORDS, WORDS, TIME_ZONES]
const SAID = 0
const PLACES = new Map(
  LISTS.flatMap((words, list) =>
    words.map((word, at) => [word, LISTS.length * at + list] as const),
  ).reverse(),
)

/** An argument takes three bits of a whole number. */
const MOST = Number.MAX_SAFE_INTEGER / 8 - 1

interface Output {
  readonly writer: ByteWriter
  /** Texts that were written in full, which are named by number from then on. */
  readonly said: string[]
}

interface Input {
  readonly reader: ByteReader
  readonly said: string[]
}

function writeValue(output: Output, value: unknown): void {
  const { writer } = output
  const head = (kind: number, argument: number): void => writer.uint(8 * argument + kind)
  if (typeof value === 'string') writeString(output, value)
  else if (typeof value === 'number') {
    const whole = Number.isInteger(value) && Math.abs(value) < MOST && !Object.is(value, -0)
    if (whole && value >= 0) head(NATURAL, value)
    else if (whole) head(NEGATIVE, -value)
    else if (Number.isFinite(value)) {
      head(SPELLED, NUMBER)
      writer.text(String(value))
    } else head(CONSTANT, 0)
  } else if (typeof value === 'boolean') head(CONSTANT, value ? 2 : 1)
  else if (Array.isArray(value)) {
    head(LIST, value.length)
    for (const item of value) writeValue(output, item)
  } else if (typeof value === 'object' && value !== null) writeFields(output, value)
  else head(CONSTANT, value === ABSENT ? CONSTANTS.indexOf(ABSENT) : 0)
}

function writeFields(output: Output, value: object): void {
  const members = value as Readonly<Record<string, unknown>>
  const names = Object.keys(members).filter((name) => members[name] !== undefined)
  const shape = SHAPES.findIndex(
    (fields) => fields.length === names.length && fields.every((name, at) => name === names[at]),
  )
  output.writer.uint(8 * (shape + 1) + FIELDS)
  if (shape === -1) output.writer.uint(names.length)
  for (const name of names) {
    if (shape === -1) writeString(output, name)
    writeValue(output, members[name])
  }
}

function writeString({ writer, said }: Output, text: string): void {
  const place = PLACES.get(text)
  const before = place === undefined ? said.indexOf(text) : -1
  if (place !== undefined) writer.uint(8 * place + LISTED)
  else if (before >= 0) writer.uint(8 * (LISTS.length * before + SAID) + LISTED)
  else if (isSessionId(text) || isSubjectKey(text)) {
    writer.uint(8 * (isSessionId(text) ? SESSION_ID : SUBJECT_KEY) + SPELLED)
    writer.bytes(Buffer.from(text, 'base64url'))
  } else {
    writer.uint(8 * Buffer.byteLength(text) + TEXT)
    writer.bytes(Buffer.from(text))
    said.push(text)
  }
}

function readValue(input: Input, depth: number): unknown {
  const { reader } = input
  const code = readUint(reader)
  const argument = Math.floor(code / 8)
  if (depth > MOST_DEPTH) throw foreignLayout()
  switch (code % 8) {
    case CONSTANT:
      return known(CONSTANTS[argument])
    case NATURAL:
      return argument
    case NEGATIVE:
      return -argument
    case SPELLED:
      return readSpelled(reader, argument)
    case TEXT:
    case LISTED:
      return readString(input, code)
    case LIST: {
      const items: unknown[] = []
      for (let left = argument; left > 0; left--) items.push(readValue(input, depth + 1))
      return items
    }
    default:
      return readFields(input, argument, depth)
  }
}

function readSpelled(reader: ByteReader, what: number): unknown {
  if (what === NUMBER) return Number(readText(reader))
  if (what !== SUBJECT_KEY && what !== SESSION_ID) throw foreignLayout()
  return readBytes(reader, what === SUBJECT_KEY ? 16 : 32).toString('base64url')
}

function readString({ reader, said }: Input, code: number): string {
  const argument = Math.floor(code / 8)
  if (code % 8 === LISTED) {
    const list = argument % LISTS.length
    const words = list === SAID ? said : LISTS[list]
    return known(words?.[Math.floor(argument / LISTS.length)])
  }
  if (code % 8 !== TEXT) throw foreignLayout()
  const text = readBytes(reader, argument).toString()
  said.push(text)
  return text
}

function readFields(input: Input, argument: number, depth: number): object {
  const { reader } = input
  const shape = argument === 0 ? undefined : known(SHAPES[argument - 1])
  const count = shape?.length ?? readUint(reader)
  const fields: [string, unknown][] = []
  for (let at = 0; at < count; at++) {
    const name = shape?.[at] ?? readString(input, readUint(reader))
    const value = readValue(input, depth + 1)
    if (value !== ABSENT) fields.push([name, value])
  }
  return Object.fromEntries(fields)
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw foreignLayout()
  return value
}
