import { sealingCodec } from '../codecs/codec.ts'
import type { Keyring } from '../codecs/keyring.ts'
import { systemHost } from '../codecs/system-host.ts'
import type { EventType, SessionEvent } from '../core/events.ts'
import type { Reason } from '../core/feed.ts'
import type { Host } from '../core/host.ts'
import type { SessionId } from '../core/ids.ts'
import type { SubjectRef } from '../core/sessions.ts'
import type { Store } from '../core/store.ts'
import type { Cause } from '../core/trace.ts'
import type { FactsOf } from '../engine/context.ts'
import {
  checkCode,
  checkCorrelation,
  checkSessionId,
  checkSubject,
  checkWord,
} from '../engine/input.ts'
import type { SessionsOptions } from '../engine/options.ts'
import { eventWriter } from '../engine/state/events.ts'
import { placeOf } from '../engine/state/sampled-events.ts'

/** The types of events that come from around an engine, and not from a session. */
export type OperatorEvent = Extract<
  EventType,
  'admin-acted' | 'key-rotated' | 'policy-changed' | 'request-refused'
>

/**
 * What happened around the sessions, and about whom, where it is about somebody. `request` is the
 * one that it happened at.
 */
export interface OperatorFacts extends Cause {
  /** Who did it: the name of a key or of a person. Default `engine`. */
  readonly actor?: string
  /** A code in snake_case, at most 64 characters. */
  readonly reason: Reason
  readonly subject?: SubjectRef | undefined
  readonly session?: SessionId | undefined
  /** Of `policy-changed`: what decides from then on. */
  readonly policy?: SessionEvent['policy']
}

/** Puts events of operators among those of sessions. */
export interface EventRecorder {
  /** Appends an event to the feed, then tells it. Rejects where it cannot be kept. */
  record(type: OperatorEvent, facts: OperatorFacts): Promise<void>
  /** Tells an event of what somebody can repeat at will. Kept as far as `eventSampling` says. */
  tell(type: OperatorEvent, facts: OperatorFacts): void
}

/**
 * For whoever serves an engine: what administrators looked at, keys that were taken up, policies
 * that changed. Sealed as all events are, and read by `eventLog`. The further options are those of
 * `createSessions`.
 */
export function eventRecorder({
  store,
  keyring,
  host = systemHost(),
  onEvent,
  personalFacts: personal = 'none',
  ...sampling
}: {
  readonly store: Pick<Store, 'feed'>
  readonly keyring: Keyring
  readonly host?: Host
} & Pick<
  SessionsOptions,
  'onEvent' | 'personalFacts' | 'eventSampling' | 'eventSamplingPerSecond'
>): EventRecorder {
  const codec = sealingCodec(keyring, host)
  const writer = eventWriter({
    ...{ codec, host, feed: store.feed, onEvent, personal },
    ...sampling,
  })

  function checked({ actor = 'engine', reason, ...about }: OperatorFacts): FactsOf<OperatorEvent> {
    checkCorrelation(about)
    const owner = about.subject === undefined ? undefined : checkSubject({ codec }, about.subject)
    return {
      at: host.now(),
      actor: checkWord('actor', actor),
      reason: checkCode('reason', reason),
      ...(owner === undefined ? {} : { subject: owner.key, owner }),
      ...(about.policy === undefined ? {} : { policy: about.policy }),
      ...(about.session === undefined ? {} : { session: checkSessionId('session', about.session) }),
      cause: about,
    }
  }

  return {
    async record(type, facts) {
      const one = writer.event(type, checked(facts))
      // What strangers cause leaves room for changes, as samples do.
      await writer.append(placeOf(one.event), [one], { sampled: type === 'request-refused' })
    },
    tell(type, facts) {
      const about = checked(facts)
      writer.tell(type, () => about)
    },
  }
}
