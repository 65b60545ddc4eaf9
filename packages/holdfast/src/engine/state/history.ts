import { binaryOf } from '../../codecs/bytes.ts'
import { type Codec, historyIdentity, isUnreadable } from '../../codecs/codec.ts'
import { decodeHistory, encodeHistory } from '../../codecs/history-record.ts'
import { ringMemo } from '../../codecs/ring-memo.ts'
import { type Context, isConfirmed } from '../../core/context.ts'
import {
  historyAt,
  type KnownContext,
  type KnownState,
  MAX_KNOWN,
  NO_HISTORY,
  type SubjectHistory,
  withChange,
  withHour,
} from '../../core/history.ts'
import type { SubjectKey } from '../../core/ids.ts'
import type { SessionState } from '../../core/session.ts'
import type { SubjectEntry } from '../../core/store.ts'
import type { EngineContext, EventFacts } from '../context.ts'

const KEEP_MS = 90 * 24 * 3_600_000

/** For failed logins alone: names that a stranger makes up must not fill the store. */
const KEEP_EMPTY_MS = 3_600_000
const TRIES = 4

/** For histories that were opened lately. */
const REMEMBERED_BYTES = 4_000_000

/** What remembering takes for each subject, beside its bytes, sealed and opened. */
const ENTRY_BYTES = 200

/** Opens each version of a history once. What it says of networks is described anew each time. */
export function historyOpener(codec: Codec): EngineContext['openHistory'] {
  const known = ringMemo<{
    readonly version: number
    readonly sealed: string
    readonly content: Buffer
  }>(codec.keys, REMEMBERED_BYTES, ({ sealed }) => 2 * sealed.length + ENTRY_BYTES)

  return (subject, { version, sealed }) => {
    const before = known.get(subject)
    const text = binaryOf(sealed)
    if (before?.version === version && before.sealed === text) return before.content
    const content = codec.open(historyIdentity(subject, version), sealed)
    known.keep(subject, () => ({ version, sealed: text, content }))
    return content
  }
}

export interface OpenedHistory {
  readonly entry: SubjectEntry
  readonly history: SubjectHistory
  /** There is a past that does not open: above all it does not say that this login is the first. */
  readonly unreadable: boolean
}

/**
 * What a subject's past teaches. An unknown subject has an empty past. So has one whose record does
 * not open: it bars nobody.
 */
export async function readHistory(
  engine: EngineContext,
  subject: SubjectKey,
  cause?: EventFacts['cause'],
): Promise<OpenedHistory> {
  const entry = await engine.store.subjects.read(subject)
  const { version, sealed } = entry
  if (sealed === undefined) return { entry, history: NO_HISTORY, unreadable: false }
  try {
    const content = engine.openHistory(subject, { version, sealed })
    const history = historyAt(decodeHistory(content, engine.readFacts), engine.host.now())
    return { entry, history, unreadable: false }
  } catch (error) {
    if (!isUnreadable(error)) throw error
    await reportUnreadable(engine, subject, { version, cause })
    return { entry, history: NO_HISTORY, unreadable: true }
  }
}

/** One event for each version of the record. */
async function reportUnreadable(
  { host, eventWriter, eventLimiter }: EngineContext,
  subject: SubjectKey,
  { version, cause }: { readonly version: number; readonly cause: EventFacts['cause'] },
): Promise<void> {
  // The version is what the store says. Of one that was made up, no later one may depend.
  if (!eventLimiter.isNew(`${subject} ${version}`, version)) return
  const reason = 'history_unreadable'
  const facts = { at: host.now(), subject, actor: 'engine', reason, cause } as const
  await eventWriter.append(subject, [eventWriter.event('anomaly-detected', facts)])
}

/** The subject's past learns of a context of a session. Undefined: there is nothing to learn. */
export async function learnContext(
  engine: EngineContext,
  { tenant, subject }: Pick<SessionState, 'tenant' | 'subject'>,
  context: Context | undefined,
): Promise<void> {
  if (context === undefined) return
  const key = engine.codec.subjectKey(tenant, subject)
  await changeHistory(engine, key, (past) => withContext(past, context))
}

/**
 * Changes the history by compare-and-set. Learning is an aid: where several logins of one subject
 * keep winning the race, the change is dropped rather than the request.
 */
export async function changeHistory(
  engine: EngineContext,
  subject: SubjectKey,
  change: (history: SubjectHistory) => SubjectHistory,
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { entry, history, unreadable } = await readHistory(engine, subject)
    const next = change(history)
    if (next === history) return
    // A history without contexts in place of one that does not open would make the next login look
    // like the first.
    if (unreadable && next.contexts.length === 0) return
    const version = entry.version + 1
    const sealed = engine.codec.seal(historyIdentity(subject, version), encodeHistory(next))
    const until = engine.host.now() + (next.contexts.length === 0 ? KEEP_EMPTY_MS : KEEP_MS)
    if ((await engine.store.subjects.write(subject, { version, sealed, until })) === 'written')
      return
  }
}

/**
 * A history with a context of a session. Confirmed stays confirmed until it lapses. Under a
 * challenge, and after a lapse, visits count from the start again.
 */
function withContext(history: SubjectHistory, context: Context): SubjectHistory {
  const known = history.contexts.find(({ key }) => key === context.key)
  const confirmed = isConfirmed(context) || known?.state === 'confirmed'
  const challenged = context.state === 'challenged'
  const facts = challenged && known !== undefined ? known : context
  const next: KnownContext = {
    key: context.key,
    state: stateAfter(known, context, confirmed),
    network: facts.network,
    device: facts.device,
    firstSeen: known === undefined || known.visits === 0 ? context.firstSeen : known.firstSeen,
    lastSeen: context.lastSeen,
    visits: challenged ? 0 : Math.max(context.visits, known?.visits ?? 0),
  }
  const others = history.contexts.filter(({ key }) => key !== context.key)
  const contexts = bounded([next, ...others])
  if (!confirmed || challenged) return { ...history, contexts }
  const { lastSeen } = context
  // A context is new once. Another session that confirms it, too, has nothing to add.
  const newAs = known?.state === 'confirmed' ? undefined : context.newAs
  return {
    contexts,
    failedLogins: history.failedLogins,
    hours: withHour(history.hours, lastSeen),
    changes: withChange(history.changes, lastSeen, newAs),
  }
}

function stateAfter(
  known: KnownContext | undefined,
  { sessionOnly }: Context,
  confirmed: boolean,
): KnownState {
  if (confirmed) return 'confirmed'
  return sessionOnly === true || known?.state === 'familiar' ? 'familiar' : 'provisional'
}

/** What is dropped first. A flood must not drive out what is confirmed: all is compared with it. */
const DROPPED: readonly KnownState[] = ['provisional', 'familiar', 'confirmed']

function bounded(contexts: readonly KnownContext[]): readonly KnownContext[] {
  if (contexts.length <= MAX_KNOWN) return contexts
  const dropped = DROPPED.map((state) =>
    contexts.findLastIndex((context) => context.state === state),
  ).find((index) => index !== -1)
  return contexts.filter((_, at) => at !== dropped)
}
