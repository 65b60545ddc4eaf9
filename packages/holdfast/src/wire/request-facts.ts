import {
  type ClientFacts,
  LIMITS,
  LOOKED_AT,
  RELEVANT_HEADERS,
  type RequestFacts,
} from '../core/request.ts'
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

const clientFact = text()

const clientFacts = described(
  object<ClientFacts>('ClientFacts', {
    screen: optional(described(clientFact, 'For example `2560x1440x2`')),
    timezone: optional(described(clientFact, 'For example `Europe/Oslo`')),
    languages: optional(list(text())),
    platform: optional(clientFact),
    touch: optional(described(decimal(), 'Most simultaneous touch points')),
  }),
  `Claims of the client. What has more than ${LOOKED_AT.clientFact} characters counts as absent; ` +
    `of the languages, the first ${LOOKED_AT.languages} are looked at.`,
)

const headers = described(
  record(oneOrMany(text({ cut: LOOKED_AT.headerValue }), { cut: LOOKED_AT.headerValues }), {
    // RFC 9110, section 5.6.2
    names: {
      source: "^[!#$%&'*+.^_`|~0-9a-z\\-]+$",
      except: '^__proto__$',
      problem: 'must be a lower-case header name',
    },
    only: RELEVANT_HEADERS,
  }),
  `By lower-case name. These are looked at: ${RELEVANT_HEADERS.join(', ')}. Send those that the ` +
    'client sent, as it sent them, and no others. Of each, the first ' +
    `${LOOKED_AT.headerValue} characters and ${LOOKED_AT.headerValues} values are looked at; ` +
    'what is longer may be cut there.',
)

export const requestFacts = object<RequestFacts>('RequestFacts', {
  ip: described(
    nullable(text({ max: LIMITS.address, pattern: CLIENT_ADDRESS })),
    'The client address as the caller resolved it; null where that was not possible',
  ),
  method: text({
    // RFC 9110, section 5.6.2
    pattern: { source: "^[!#$%&'*+.^_`|~0-9A-Za-z\\-]+$", problem: 'must be a method of HTTP' },
  }),
  url: described(
    text({ cut: LOOKED_AT.url }),
    `Absolute URL, or path and query; may be cut after ${LOOKED_AT.url} characters`,
  ),
  headers,
  client: optional(clientFacts),
  tls: optional(
    described(
      text(),
      'JA4 of the TLS handshake, as whoever ended the TLS connection measured it; never what ' +
        'the client sent. What is no JA4 counts as none',
    ),
  ),
})
