import { integer, list, nullable, object, oneOf, optional, text } from 'holdfast/wire'
import { SEVERITIES } from '../finding.ts'
import { type EntryFacts, type FindingFacts, type Format, factsOf, type Trace } from './facts.ts'

/** What the own format makes of an event or a finding. */
export interface OwnLine
  extends Omit<EntryFacts, 'trace' | 'finding' | 'more' | 'policy' | 'personal'> {
  /** `at` for people. */
  readonly time: string
  readonly trace: OwnTrace | null
  readonly finding?: FindingFacts
  readonly more?: number
  readonly policy?: OwnPolicy
  readonly personal?: OwnPersonal
}

type OwnPolicy = NonNullable<EntryFacts['policy']>

interface OwnTrace {
  readonly trace: Trace['traceId']
  readonly span: Trace['spanId']
}

/** As much as the output asked for. */
type OwnPersonal = Partial<EntryFacts['personal']> & Pick<EntryFacts['personal'], 'prefix'>

/**
 * Our own words: the event as `GET /v1/events` tells it, or a finding, without the situation and
 * the details of its reasons, which the audit log has.
 */
export const ownJson = ((entry, { personal }): OwnLine => {
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
}) satisfies Format

function personalPart(
  view: EntryFacts['personal'],
  personal: string,
): Pick<OwnLine, 'personal'> | undefined {
  if (personal === 'none') return undefined
  if (personal === 'network') return { personal: { prefix: view.prefix } }
  return { personal: view }
}

const count = integer({ min: 0 })
const maybeText = nullable(text())
const maybeCount = nullable(count)

/** The same as a description, of which its schema is made. */
export const ownLine = object<OwnLine>('Line', {
  time: text(),
  at: count,
  type: text(),
  index: count,
  partition: maybeCount,
  sequence: maybeCount,
  id: text(),
  actor: text(),
  subject: maybeText,
  session: maybeText,
  network: nullable(
    object<NonNullable<OwnLine['network']>>('LineNetwork', {
      asn: maybeCount,
      organisation: maybeText,
      kind: text(),
      country: maybeText,
      city: maybeText,
    }),
  ),
  device: nullable(
    object<NonNullable<OwnLine['device']>>('LineDevice', {
      family: text(),
      major: maybeCount,
      os: text(),
    }),
  ),
  decision: nullable(
    object<NonNullable<OwnLine['decision']>>('LineDecision', {
      outcome: text(),
      score: integer(),
      because: list(
        object<NonNullable<OwnLine['decision']>['because'][number]>('LineReason', {
          group: text(),
          reason: text(),
          weight: integer(),
          text: text(),
        }),
      ),
    }),
  ),
  reason: maybeText,
  correlation: maybeText,
  authentication: nullable(
    object<NonNullable<OwnLine['authentication']>>('LineAuthentication', {
      acr: maybeText,
      amr: list(text()),
    }),
  ),
  trace: nullable(object<OwnTrace>('LineTrace', { trace: text(), span: text() })),
  finding: optional(
    object<FindingFacts>('LineFinding', {
      rule: text(),
      severity: oneOf(SEVERITIES),
      title: maybeText,
      text: maybeText,
      count,
      events: list(text()),
    }),
  ),
  more: optional(count),
  policy: optional(object<OwnPolicy>('LinePolicy', { digest: text(), summary: text() })),
  personal: optional(
    object<OwnPersonal>('LinePersonal', {
      name: optional(maybeText),
      tenant: optional(maybeText),
      address: optional(maybeText),
      prefix: maybeText,
      userAgent: optional(maybeText),
    }),
  ),
})
