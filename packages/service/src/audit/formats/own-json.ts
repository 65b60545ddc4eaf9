import { type EntryFacts, type Format, factsOf } from './facts.ts'

/**
 * Our own words: the event as `GET /v1/events` tells it, or a finding, without the situation and
 * the details of its reasons, which the audit log has. `time` is `at` for people.
 */
export const ownJson: Format = (entry, { personal }) => {
  const {
    at,
    type,
    trace,
    finding,
    more,
    policy,
    personal: view,
    ...rest
  } = factsOf(entry, personal)
  return {
    time: new Date(at).toISOString(),
    at,
    type,
    ...rest,
    trace: trace === null ? null : { trace: trace.traceId, span: trace.spanId },
    ...(finding === null ? {} : { finding }),
    ...(more === null ? {} : { more }),
    ...(policy === null ? {} : { policy }),
    ...personalPart(view, personal),
  }
}

function personalPart(view: EntryFacts['personal'], personal: string): object {
  if (personal === 'none') return {}
  if (personal === 'network') return { personal: { prefix: view.prefix } }
  return { personal: view }
}
