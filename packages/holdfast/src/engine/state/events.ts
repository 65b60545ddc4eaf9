import type { Codec } from '../../codecs/codec.ts'
import { sealEvent } from '../../codecs/event-record.ts'
import type { EventType, SessionEvent } from '../../core/events.ts'
import type { Host } from '../../core/host.ts'
import { subjectOf } from '../../core/ids.ts'
import type { Device, Network } from '../../core/request.ts'
import type { Feed, SealedEvent } from '../../core/store.ts'
import type { EventFacts, EventLimiter, EventWriter } from '../context.ts'
import { highestNumbers } from './highest-numbers.ts'

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
      sealed: sealEvent(codec, event),
    }))
  }

  function publish(events: readonly SessionEvent[]): void {
    if (onEvent !== undefined) for (const event of events) onEvent(event)
  }

  function event(type: EventType, facts: EventFacts): SessionEvent {
    const { network, device, session } = facts
    return {
      id: Buffer.from(host.random(ID_BYTES)).toString('base64url'),
      type,
      at: facts.at,
      actor: facts.actor ?? 'client',
      subject: facts.subject ?? (session === undefined ? null : subjectOf(session)),
      session: session ?? null,
      network: network === undefined ? null : networkSummary(network),
      device: device === undefined ? null : deviceSummary(device),
      decision: facts.decision ?? null,
      situation: facts.situation ?? null,
      reason: facts.reason ?? null,
      correlation: facts.correlation ?? null,
    }
  }

  return {
    event,
    seal,
    publish,
    tell(type, facts) {
      if (onEvent !== undefined) onEvent(event(type, facts()))
    },
    async append(key, events) {
      await feed.append(key, seal(events))
      publish(events)
    },
  }
}

export function eventLimiter(): EventLimiter {
  const published = highestNumbers()
  const told = new WeakMap<object, Set<string>>()
  return {
    isNew(key, value) {
      if (published.of(key) >= value) return false
      published.note(key, value)
      return true
    },
    isDue(key, presentation, periodMs) {
      const keys = told.get(presentation) ?? new Set()
      if (keys.has(key)) return true
      const { at } = presentation
      if (at - published.of(key) < periodMs) return false
      published.note(key, at)
      told.set(presentation, keys.add(key))
      return true
    },
    size: published.size,
  }
}

function networkSummary(network: Network): SessionEvent['network'] {
  const { asn, organisation, kind, country, city } = network
  return { asn, organisation, kind, country, city }
}

function deviceSummary({ family, major, os }: Device): SessionEvent['device'] {
  return { family, major, os }
}
