import { CODES, type Code, type RefusalCode } from '../core/errors.ts'
import type { EvidenceGroup } from '../core/evidence.ts'
import { LIMITS } from '../core/request.ts'
import type { Attributes } from '../core/session.ts'
import type { Traced } from '../core/sessions.ts'
import {
  described,
  type Fields,
  integer,
  named,
  oneOf,
  optional,
  type Pattern,
  text,
  type Wire,
} from './describe.ts'

/** The words that several bodies share. */

/** What is longer is no `traceparent`, and is still longer when it is cut. */
const LONGEST_TRACE = 55

/** Text with half of a surrogate pair has no UTF-8: two such subjects would be one. */
const WELL_FORMED: Pattern = {
  source: '^[^\\ud800-\\udfff]*$',
  problem: 'must be well-formed Unicode',
}

/** Names something: a class, an `acr`, a method. */
export const word = text({ min: 1, max: LIMITS.word, pattern: WELL_FORMED })

/** The application's own name of a user. */
export const subject = text({ min: 1, max: LIMITS.subject, pattern: WELL_FORMED })
/** What a subject is named within. */
export const tenant = text({ min: 1, max: LIMITS.tenant, pattern: WELL_FORMED })

/** A point in time as it travels: ms since the epoch, UTC. */
export const instant = described(integer({ min: 0 }), 'UTC, ms since the epoch')

/** A session id. Its last letter carries four bits, so not every letter can stand there. */
export const sessionId = described(
  text({
    pattern: {
      source: '^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$',
      problem: 'must be a session id',
    },
  }),
  'Public id of a session; never a secret',
)

/** The client sends it, so one of any length is answered as what it is: no token. */
export const token = described(text({ min: 1, cut: 8_192 }), 'What the client carries. A secret.')

/** As for tokens: one that is too long is one that was not sealed here. */
export const challenge = text({ min: 1, cut: 4_096 })

/** How a call is named in the event log. */
export const traced: Fields<Traced> = {
  correlation: optional(described(word, 'One id for all that a request causes in the event log')),
  trace: optional(
    described(
      text({ cut: LONGEST_TRACE + 1 }),
      'The `traceparent` of the request (W3C Trace Context); what is none is left out',
    ),
  ),
}

/** The application's own JSON object. */
export const attributes: Wire<Attributes> = named(
  'Attributes',
  described(
    { form: { kind: 'json-object' } },
    `The application's own JSON: at most ${LIMITS.attributesBytes} bytes, at most 16 deep`,
  ),
)

export const group: Wire<EvidenceGroup> = oneOf(['N', 'D', 'C', 'R', 'K', 'B', 'P'])

const codes = Object.keys(CODES) as readonly Code[]

export const code: Wire<Code> = named('Code', oneOf(codes))

export const refusalCode: Wire<RefusalCode> = named(
  'RefusalCode',
  oneOf(codes.filter((one): one is RefusalCode => CODES[one].kind === 'refusal')),
)
