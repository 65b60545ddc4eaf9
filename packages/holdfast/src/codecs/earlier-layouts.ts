import type { Context } from '../core/context.ts'
import type { SessionState } from '../core/session.ts'
import { expectEnd, readText, readUint } from './bytes.ts'
import { NO_CALLS, readCalls } from './calls-record.ts'
import { NO_NEWCOMERS, readNewcomers, readStanding, withNewcomers } from './context-record.ts'
import {
  ReadSessionFamily,
  readFailed,
  readFork,
  readStepUp,
  readSwitchBack,
  readTokenFamily,
} from './family-record.ts'
import {
  keyOfUse,
  type RecordReader,
  readList,
  readOptional,
  readTime,
  readUse,
  readWord,
  type Terms,
  usedAt,
} from './record-fields.ts'
import { readUnlinkedFamily, skipUnlinkedStepUp } from './unlinked-family.ts'

/**
 * Layouts in one piece: 4, everything in one piece; before that, without sensitive calls; before
 * that, secrets without links; before that, without switch-backs and `newAs`.
 */
const WITHOUT_CALLS = 3
const UNLINKED = 2
const WITHOUT_SWITCH_BACKS = 1
export const FIRST_LAYOUT = WITHOUT_SWITCH_BACKS

/** A record in one piece: all of it is decoded at once. */
export function decodeEarlierLayout(
  input: RecordReader,
  terms: Terms,
  layout: number,
): Omit<SessionState, 'attributesDigest'> {
  const { id, createdAt, deadline, idleMs } = terms
  const { reader, facts, epoch } = input
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
  const keyed = { reader, facts, epoch, keyAt: (at: number) => contexts[at]?.key ?? '' }
  const family = new ReadSessionFamily(keyed, readFamily)
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
