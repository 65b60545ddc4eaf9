import { historyIdentity, isUnreadable } from '../../codecs/codec.ts'
import { decodeHistory, encodeHistory } from '../../codecs/history-record.ts'
import type { Context } from '../../core/context.ts'
import {
  type KnownContext,
  MAX_KNOWN,
  NO_HISTORY,
  type SubjectHistory,
  withChange,
  withHour,
} from '../../core/history.ts'
import type { SubjectKey } from '../../core/ids.ts'
import type { SubjectEntry } from '../../core/store.ts'
import type { EngineContext } from '../context.ts'

const KEEP_MS = 90 * 24 * 3_600_000

/** Failed logins alone: names that a stranger makes up must not fill the store. */
const KEEP_EMPTY_MS = 3_600_000
const TRIES = 4

export interface OpenedHistory {
  readonly entry: SubjectEntry
  readonly history: SubjectHistory
  /** There is a past, and it does not open. It teaches nothing, and above all not that this login is the first. */
  readonly unreadable: boolean
}

/** What a subject's past teaches. Nobody's past is an empty one; so is one that does not open: it bars nobody. */
export async function readHistory(
  engine: EngineContext,
  subject: SubjectKey,
): Promise<OpenedHistory> {
  const entry = await engine.store.subjects.read(subject)
  if (entry.sealed === undefined) return { entry, history: NO_HISTORY, unreadable: false }
  try {
    const content = engine.codec.open(historyIdentity(subject, entry.version), entry.sealed)
    return { entry, history: decodeHistory(content, engine.readFacts), unreadable: false }
  } catch (error) {
    if (!isUnreadable(error)) throw error
    await reportUnreadable(engine, subject, entry.version)
    return { entry, history: NO_HISTORY, unreadable: true }
  }
}

/** Once for each version of it. */
async function reportUnreadable(
  engine: EngineContext,
  subject: SubjectKey,
  version: number,
): Promise<void> {
  if (engine.reported.seen(subject) >= version) return
  engine.reported.note(subject, version)
  const facts = {
    at: engine.host.now(),
    subject,
    actor: 'engine',
    reason: 'history_unreadable',
  }
  await engine.eventWriter.append(subject, [engine.eventWriter.event('anomaly-detected', facts)])
}

/**
 * Changes the history by compare-and-set. Learning is an aid: when several logins of one subject keep
 * winning the race, this historyUpdate is dropped rather than the request.
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
    // no places: written over one that does not open it would make the next login look like the first
    if (unreadable && next.contexts.length === 0) return
    const version = entry.version + 1
    const sealed = engine.codec.seal(historyIdentity(subject, version), encodeHistory(next))
    const until = engine.host.now() + (next.contexts.length === 0 ? KEEP_EMPTY_MS : KEEP_MS)
    if ((await engine.store.subjects.write(subject, { version, sealed, until })) === 'written')
      return
  }
}

/** A context of a session becomes part of the subject's past. Confirmed stays confirmed; under challenge, visits count from the start again. */
export function withContext(history: SubjectHistory, context: Context): SubjectHistory {
  const known = history.contexts.find(({ key }) => key === context.key)
  const confirmed = context.state === 'confirmed' || known?.state === 'confirmed'
  const challenged = context.state === 'challenged'
  const facts = challenged && known !== undefined ? known : context
  const next: KnownContext = {
    key: context.key,
    state: confirmed ? 'confirmed' : 'provisional',
    network: facts.network,
    device: facts.device,
    firstSeen: known?.firstSeen ?? context.firstSeen,
    lastSeen: context.lastSeen,
    visits: challenged ? 0 : Math.max(context.visits, known?.visits ?? 0),
  }
  const others = history.contexts.filter(({ key }) => key !== context.key)
  const contexts = bounded([next, ...others])
  if (!confirmed || challenged) return { ...history, contexts }
  const { lastSeen } = context
  // A context is new once: another session that confirms it too has nothing to add.
  const newAs = known?.state === 'confirmed' ? undefined : context.newAs
  return {
    contexts,
    failedLogins: history.failedLogins,
    hours: withHour(history.hours, lastSeen),
    changes: withChange(history.changes, lastSeen, newAs),
  }
}

/** A flood of places that nobody confirmed must not wash away the confirmed ones: all comparison rests on those. */
function bounded(contexts: readonly KnownContext[]): readonly KnownContext[] {
  if (contexts.length <= MAX_KNOWN) return contexts
  const spare = contexts.findLastIndex(({ state }) => state === 'provisional')
  const dropped = spare === -1 ? contexts.length - 1 : spare
  return contexts.filter((_, at) => at !== dropped)
}
