import type { Codec } from '../../codecs/codec.ts'
import type { Decision, Situation } from '../../core/decision.ts'
import type { EventType, SessionEvent } from '../../core/events.ts'
import type { Host } from '../../core/host.ts'
import { type SessionId, type SubjectKey, subjectOf } from '../../core/ids.ts'
import type { Device, Network } from '../../core/request.ts'
import type { Feed, SealedEvent } from '../../core/store.ts'

/** Makes events, seals them for the store, and tells the listener once they are committed. */
export interface EventWriter {
  event(type: EventType, facts: EventFacts): SessionEvent
  seal(events: readonly SessionEvent[]): readonly SealedEvent[]
  /** To the listener only: for what a client could repeat at will, and for what is committed already. */
  publish(events: readonly SessionEvent[]): void
  /** Events that come with no other change. */
  append(key: SessionId | SubjectKey, events: readonly SessionEvent[]): Promise<void>
}

export interface EventFacts {
  readonly at: number
  readonly session?: SessionId
  readonly subject?: SubjectKey
  readonly actor?: string
  readonly network?: Network
  readonly device?: Device
  readonly decision?: Decision
  readonly situation?: Situation | undefined
  readonly reason?: string
  readonly correlation?: string | undefined
}

export interface EventWriterOptions {
  readonly codec: Codec
  readonly host: Host
  readonly feed: Feed
  readonly onEvent: ((event: SessionEvent) => void) | undefined
}

const ID_BYTES = 16

export function eventWriter({ codec, host, feed, onEvent }: EventWriterOptions): EventWriter {
  function seal(events: readonly SessionEvent[]): readonly SealedEvent[] {
    return events.map((event) => ({
      id: event.id,
      at: event.at,
      sealed: codec.sealJson({ kind: 'event', id: event.id, version: 1 }, event),
    }))
  }

  function tell(events: readonly SessionEvent[]): void {
    if (onEvent !== undefined) for (const event of events) onEvent(event)
  }

  return {
    event(type, facts) {
      const { network, device, session } = facts
      return {
        id: Buffer.from(host.random(ID_BYTES)).toString('base64url'),
        type,
        at: facts.at,
        actor: facts.actor ?? 'client',
        subject: facts.subject ?? (session === undefined ? null : subjectOf(session)),
        session: session ?? null,
        network: network === undefined ? null : summaryOf(network),
        device:
          device === undefined
            ? null
            : { family: device.family, major: device.major, os: device.os },
        decision: facts.decision ?? null,
        situation: facts.situation ?? null,
        reason: facts.reason ?? null,
        correlation: facts.correlation ?? null,
      }
    },
    seal,
    publish: tell,
    async append(key, events) {
      await feed.append(key, seal(events))
      tell(events)
    },
  }
}

function summaryOf({ asn, organisation, kind, country, city }: Network): SessionEvent['network'] {
  return { asn, organisation, kind, country, city }
}
