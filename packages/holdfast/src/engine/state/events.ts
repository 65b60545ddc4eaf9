import type { Codec } from '../../codecs/codec.ts'
import { sealEvent } from '../../codecs/event-record.ts'
import type { EventOf } from '../../core/event-of.ts'
import {
  DEFAULT_SAMPLED_PER_SECOND,
  type EventSampling,
  type EventType,
  type PersonalFacts,
  type SessionEvent,
} from '../../core/events.ts'
import type { Feed, SealedEvent } from '../../core/feed.ts'
import type { Host } from '../../core/host.ts'
import { subjectOf } from '../../core/ids.ts'
import type { Device, Network } from '../../core/request.ts'
import { correlationOf, traceOf } from '../../core/trace.ts'
import type { EventLimiter, EventWriter, FactsOf, MadeEvent } from '../context.ts'
import { highestNumbers } from './highest-numbers.ts'
import { type PersonalDetail, personalFacts } from './personal-facts.ts'
import { eventSampler } from './sampled-events.ts'

/** Hears events, with what tells who a person is, where that is asked for. Must not throw. */
export type EventListener = (event: EventOf, personal: PersonalFacts | null) => void

export interface EventWriterOptions {
  readonly codec: Codec
  readonly host: Host
  readonly feed: Pick<Feed, 'append'>
  readonly onEvent: EventListener | undefined
  /** Default `none`. */
  readonly personal?: PersonalDetail
  /** Default 0. */
  readonly eventSampling?: number | EventSampling
  readonly eventSamplingPerSecond?: number
}

const ID_BYTES = 16

export function eventWriter({
  codec,
  host,
  feed,
  onEvent,
  personal: detail = 'none',
  eventSampling = 0,
  eventSamplingPerSecond = DEFAULT_SAMPLED_PER_SECOND,
}: EventWriterOptions): EventWriter {
  const sampler = eventSampler({
    sampling: eventSampling,
    perSecond: eventSamplingPerSecond,
    now: () => host.now(),
    append: (key, events) => feed.append(key, sealed(events), { sampled: true }),
  })

  function sealed(events: readonly MadeEvent[]): readonly SealedEvent[] {
    return events.map(({ event, personal }) => ({
      id: event.id,
      at: event.at,
      sealed: sealEvent(codec, event, personal),
    }))
  }

  function seal(events: readonly MadeEvent[]): readonly SealedEvent[] {
    sampler.flush()
    return sealed(events)
  }

  function publish(events: readonly MadeEvent[]): void {
    if (onEvent !== undefined) for (const { event, personal } of events) onEvent(event, personal)
  }

  function event<T extends EventType>(type: T, facts: FactsOf<T>): MadeEvent {
    return { event: publicPart(type, facts), personal: personalFacts(detail, facts) }
  }

  function publicPart<T extends EventType>(type: T, facts: FactsOf<T>): EventOf {
    const { network, device, session, authentication, policy, cause = {} } = facts
    const trace = traceOf(cause)
    const made: SessionEvent = {
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
      correlation: correlationOf(cause) ?? null,
      ...(authentication === undefined ? {} : { authentication }),
      ...(trace === undefined ? {} : { trace }),
      ...(policy === undefined ? {} : { policy }),
    }
    // Tests hold what every type is made with to the catalogue.
    return made as EventOf
  }

  return {
    event,
    seal,
    publish,
    tell(type, facts) {
      if (onEvent === undefined && !sampler.samples(type)) return
      const made = event(type, facts())
      publish([made])
      sampler.offer(made)
    },
    async append(key, events, options) {
      await feed.append(key, seal(events), options)
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
