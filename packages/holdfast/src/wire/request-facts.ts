import { type ClientFacts, LIMITS, RELEVANT_HEADERS, type RequestFacts } from '../core/request.ts'
import { CLIENT_ADDRESS } from './address-pattern.ts'
import {
  decimal,
  described,
  list,
  nullable,
  object,
  oneOrMany,
  optional,
  record,
  text,
} from './describe.ts'

/** What travels of the request that a client made. */

const clientFact = text({ max: LIMITS.clientFact })

/** What a client says of itself becomes no key, so it may be any text. */
const said = text({ min: 1, max: LIMITS.word })

const clientFacts = object<ClientFacts>('ClientFacts', {
  screen: optional(described(clientFact, 'For example `2560x1440x2`')),
  timezone: optional(described(clientFact, 'For example `Europe/Oslo`')),
  languages: optional(list(said, { max: LIMITS.languages })),
  platform: optional(clientFact),
  touch: optional(described(decimal({ min: 0, max: 1_000 }), 'Most simultaneous touch points')),
})

const headers = described(
  record(oneOrMany(text({ max: LIMITS.headerValue }), { max: LIMITS.headerValues }), {
    names: { source: '^[a-z0-9-]{1,64}$', problem: 'must be a lower-case header name' },
    max: LIMITS.headers,
  }),
  `By lower-case name. These are looked at: ${RELEVANT_HEADERS.join(', ')}. Send those that the ` +
    'client sent, as it sent them, and no others: others are not looked at, and count towards ' +
    `the limits all the same (${LIMITS.headers} names, ${LIMITS.headerValue} characters a value).`,
)

export const requestFacts = object<RequestFacts>('RequestFacts', {
  ip: described(
    nullable(text({ max: LIMITS.address, pattern: CLIENT_ADDRESS })),
    'The client address as the caller resolved it; null where that was not possible',
  ),
  method: text({
    min: 1,
    max: LIMITS.method,
    // RFC 9110, section 5.6.2
    pattern: { source: "^[!#$%&'*+.^_`|~0-9A-Za-z\\-]+$", problem: 'must be a method of HTTP' },
  }),
  url: described(text({ max: LIMITS.url }), 'Absolute URL, or path and query'),
  headers,
  client: optional(clientFacts),
  tls: optional(
    described(
      said,
      'JA4 of the TLS handshake, as whoever ended the TLS connection measured it; never what ' +
        'the client sent',
    ),
  ),
})
