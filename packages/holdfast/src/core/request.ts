/**
 * What an adapter could establish about a request. `ip` is the client's address as the address
 * resolver found it.
 */
export interface RequestFacts {
  /**
   * `null`: could not be established. Unknown is never a match and never a mismatch. Text that is
   * no address is refused.
   */
  readonly ip: string | null
  readonly method: string
  /** Absolute URL, or path and query. */
  readonly url: string
  /**
   * Lower-case names. Only those that {@link RELEVANT_HEADERS} lists are looked at, and for the
   * event log `x-request-id` and `traceparent`.
   */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly client?: ClientFacts
  /**
   * JA4 fingerprint of the client's TLS handshake, as whoever ended the TLS connection measured it.
   * Never something that the client sent: whoever fills this in vouches for that. What is no JA4
   * counts as none.
   */
  readonly tls?: string
}

/**
 * What the page knows about its device and keeps in a readable cookie. Claims of the client:
 * evidence, never proof.
 */
export interface ClientFacts {
  /** Width x height x pixel ratio, for example `2560x1440x2`. */
  readonly screen?: string
  /** IANA name, for example `Europe/Oslo`. */
  readonly timezone?: string
  readonly languages?: readonly string[]
  readonly platform?: string
  /** Greatest number of simultaneous touch points. */
  readonly touch?: number
}

/** The headers that describe a device. */
export const DEVICE_HEADERS = [
  'user-agent',
  'accept-language',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
] as const

/** The header values that signals may read; adapters send no others. */
export const RELEVANT_HEADERS = [
  ...DEVICE_HEADERS,
  'accept',
  'sec-ch-ua-platform-version',
  'sec-ch-ua-model',
  'sec-ch-ua-full-version-list',
  'sec-fetch-site',
  'sec-fetch-mode',
  'sec-fetch-dest',
  'sec-purpose',
  'sec-websocket-version',
] as const

/**
 * Values of a request header by its lower-case name. Several lines come as an array in their order,
 * or joined as HTTP joins them (RFC 9110, section 5.3).
 */
export type HeaderLookup = (name: string) => string | readonly string[] | undefined

/** Bounds on what callers say. Longer values are refused with `invalid_input`. */
export const LIMITS = {
  subject: 256,
  tenant: 128,
  /** The longest IPv6 address with a zone id. */
  address: 78,
  attributesBytes: 8192,
  amr: 16,
  word: 64,
} as const

/**
 * How much is looked at of what a client says of itself. The rest is cut off, because a request is
 * not refused for a value that decides nothing.
 */
export const LOOKED_AT = {
  url: 8192,
  headerValue: 2048,
  /** Fields of one name. */
  headerValues: 16,
  /** A longer fact counts as none: its beginning could be another fact. */
  clientFact: 64,
  languages: 16,
} as const

/** The beginning of a text, of at most `max` units, without half of a surrogate pair at its end. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text
  const last = text.charCodeAt(max - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max)
}

/** What is looked at of a header. Its fields are one list (RFC 9110, section 5.3). */
export function headerText(value: string | readonly string[]): string {
  if (typeof value === 'string') return cut(value, LOOKED_AT.headerValue)
  return cut(value.slice(0, LOOKED_AT.headerValues).join(', '), LOOKED_AT.headerValue)
}

/** Whether text has more than `max` code points, as JSON Schema counts. */
export function longerThan(text: string, max: number): boolean {
  if (text.length <= max) return false
  return text.length > 2 * max || [...text].length > max
}

const HALF_A_PAIR = /\p{Surrogate}/u

/**
 * Whether text has a UTF-8 form of its own. Text with half of a surrogate pair has not: two such
 * names would become one key.
 */
export function isWellFormed(text: string): boolean {
  return !HALF_A_PAIR.test(text)
}

/** Where a request came from, in terms that can be compared. `null` is "known to be unknown". */
export interface Network {
  /** Canonical text; IPv4-mapped IPv6 is IPv4. */
  readonly address: string | null
  /** /24 or /64 by default, for example `203.0.113.0/24`. */
  readonly prefix: string | null
  /** The wider neighbourhood, /16 or /32. */
  readonly block: string | null
  readonly asn: number | null
  readonly organisation: string | null
  readonly kind: NetworkKind
  /** ISO 3166-1 alpha-2. */
  readonly country: string | null
  readonly city: string | null
  readonly latitude: number | null
  readonly longitude: number | null
  /** 67 % radius in km, when the data has one. */
  readonly radiusKm: number | null
}

/** What a network is used for, as far as its operator tells. */
export type NetworkKind =
  | 'fixed'
  | 'mobile'
  | 'hosting'
  | 'vpn'
  | 'relay'
  | 'tor'
  | 'satellite'
  | 'corporate'
  | 'private'
  | 'unknown'

/** What used the session, reduced to what survives updates and can be compared with tolerance. */
export interface Device {
  readonly family: BrowserFamily
  readonly major: number | null
  readonly os: OperatingSystem
  readonly mobile: boolean
  /** Language tags in order of preference, at most 8. */
  readonly languages: readonly string[]
  /** What `Sec-CH-UA` and its platform said; null when the browser sent none. */
  readonly hints: {
    readonly family: BrowserFamily
    readonly major: number | null
    readonly os: OperatingSystem
    /**
     * Its own brand, else `Chromium`: tells forks apart that have one user agent. Absent: not
     * known, as in older records.
     */
    readonly brand?: string
  } | null
  readonly screen: string | null
  readonly timezone: string | null
  /** JA4 of its TLS handshake; null where no gateway says. */
  readonly tls: string | null
}

/**
 * Browsers that behave differently enough to be told apart; `app` is an HTTP client of an
 * application.
 */
export type BrowserFamily =
  | 'chrome'
  | 'edge'
  | 'opera'
  | 'samsung'
  | 'firefox'
  | 'safari'
  | 'app'
  | 'automation'
  | 'unknown'

/** Operating systems that a browser names; tablets count with their phones. */
export type OperatingSystem =
  | 'windows'
  | 'macos'
  | 'linux'
  | 'chromeos'
  | 'android'
  | 'ios'
  | 'unknown'

/** One use of a session: who showed which secret, from where, with what, when it was received. */
export interface Presentation {
  /** When the adapter or the service received the request, ms since the epoch. */
  readonly at: number
  readonly network: Network
  readonly device: Device
  readonly sensitivity: Sensitivity
  readonly method: string
  /**
   * The request is of a kind with which browsers describe themselves less, and it does not say what
   * other kinds say. Nothing is missed then, and nothing about the device speaks for the owner.
   */
  readonly partial?: boolean
  /** Nobody is at the page. It is judged as ever, and earns no trust. */
  readonly passive?: boolean
}

/**
 * How much a route matters: `sensitive` rotates the secret first and asks for a network the subject
 * has confirmed.
 */
export type Sensitivity = 'normal' | 'sensitive'

/**
 * Whether a person uses the page: `passive` requests come by themselves, as polls and heartbeats
 * do.
 */
export type Activity = 'active' | 'passive'
