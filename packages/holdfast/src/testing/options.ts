import type { Carrier } from '../carriers/carrier.ts'
import {
  flag,
  func,
  group,
  list,
  made,
  named,
  needed,
  passing,
  whole,
  words,
} from '../core/option-kinds.ts'
import type { OptionsOf, OptionTable } from '../core/options.ts'
import type { Attributes } from '../core/session.ts'
import type { Login, Sessions } from '../core/sessions.ts'
import { parseClientAddress } from '../network/address.ts'
import type { TrustedProxy } from './application.ts'
import type { Device } from './devices.ts'

/** Where requests come from, and with what device. */
export interface Place {
  /** The client's address. */
  readonly address: string
  /** One of `DEVICES`, or headers of your own. */
  readonly device: Device
}

/** Where a visitor is, and what stands before the application. */
export interface VisitorOptions extends Partial<Place> {
  /** The origin of the application's pages. Default `https://localhost`, or the one that runs. */
  readonly origin?: string
  /** The proxy that the application trusts, where it trusts one. */
  readonly proxy?: TrustedProxy
}

/** Who is logged in, by which sessions. */
export interface LoggedInOptions extends VisitorOptions, Omit<Login, 'request' | 'previous'> {
  /** Those of the application. */
  readonly sessions: Pick<Sessions, 'create'>
  /** How the application carries tokens. Default `cookie()`. */
  readonly carrier?: Carrier
}

const address = passing<string>(
  'an address of a client, such as 203.0.113.10',
  (value) => typeof value === 'string' && parseClientAddress(value) !== undefined,
)

const PLACE_FIELDS = {
  address,
  device: named(words('the text of a header')),
} satisfies OptionsOf<Partial<Place>>

const VISITOR_FIELDS = {
  ...PLACE_FIELDS,
  origin: passing<string>('an origin, such as https://shop.example', isOrigin),
  proxy: group<TrustedProxy>()({
    address,
    headers: func<NonNullable<TrustedProxy['headers']>>(
      'of the address of a client; it gives headers',
    ),
  }),
} satisfies OptionsOf<VisitorOptions>

const ALIASES = { ip: 'address', userAgent: 'device', headers: 'device', browser: 'device' }

export const THIEF_OPTIONS = {
  of: 'thief()',
  fields: PLACE_FIELDS,
  aliases: ALIASES,
} satisfies OptionTable

export const VISITOR_OPTIONS = {
  of: 'visitor()',
  fields: VISITOR_FIELDS,
  aliases: ALIASES,
} satisfies OptionTable

export const LOGGED_IN_OPTIONS = {
  of: 'loggedIn()',
  fields: {
    ...VISITOR_FIELDS,
    sessions: needed(
      made<Pick<Sessions, 'create'>>('those of your application, of createSessions({ ... })', [
        'create',
      ]),
      'sessions, of createSessions({ ... })',
    ),
    carrier: made<Carrier>('a carrier, such as cookie() or bearer()', ['read', 'ambient']),
    subject: needed(words('the id of a user'), "subject: 'ada'"),
    tenant: words('the name of a tenant'),
    class: words('the name of a session class'),
    acr: words('an authentication context'),
    amr: list(words('a word')),
    authenticatedAt: whole(),
    factors: list(words('a word')),
    attributes: passing<Attributes>(
      'a JSON object',
      (value) => typeof value === 'object' && value !== null,
    ),
    refresh: flag,
    correlation: words('an id'),
    trace: words('a traceparent'),
  } satisfies OptionsOf<LoggedInOptions>,
  aliases: { ...ALIASES, user: 'subject', userId: 'subject', session: 'sessions' },
} satisfies OptionTable

function isOrigin(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value
}
