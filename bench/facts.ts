import type { RequestFacts } from 'holdfast'

/** The facts of a browser's requests, the same at each. */
export const REQUEST: RequestFacts = {
  ip: '203.0.113.7',
  method: 'GET',
  url: '/orders',
  headers: {
    'user-agent':
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
      'Chrome/147.0.0.0 Safari/537.36',
    'accept-language': 'nb-NO,nb;q=0.9,en;q=0.8',
    'sec-ch-ua': '"Chromium";v="147", "Google Chrome";v="147", "Not.A/Brand";v="24"',
    'sec-ch-ua-mobile': '?0',
    'sec-ch-ua-platform': '"Windows"',
  },
  client: { screen: '2560x1440x1', timezone: 'Europe/Oslo' },
}

/** What an application keeps with a session: some 200 bytes of JSON. */
export const ATTRIBUTES = {
  name: 'Kari Nordmann',
  roles: ['member', 'editor', 'billing:read'],
  locale: 'nb-NO',
  theme: 'dark',
  cart: 'c_0123456789abcdef0123456789abcdef',
  flags: ['beta', 'newnav'],
  seen: ['welcome', 'pricing', 'release-12'],
} as const

/** A request of the same browser from an address: an object of its own, as from an adapter. */
export function requestFrom(ip: string | null): RequestFacts {
  return { ...REQUEST, ip, headers: { ...REQUEST.headers } }
}

/** How many sessions a process uses in rotation. Each has a user of its own. */
export const SESSIONS = 1_000

export function userOf(turn: number): string {
  return `user-${String(turn).padStart(6, '0')}`
}

/**
 * What Holdfast keeps of a login, as plain data. The peers are given the same to keep, so that all
 * store as much.
 */
export function sessionFacts(user: string): SessionFacts {
  const now = Date.now()
  return {
    userId: user,
    tenant: 'default',
    createdAt: now,
    authenticatedAt: now,
    acr: null,
    amr: ['pwd'],
    factors: ['otp'],
    network: { address: '203.0.113.7', prefix: '203.0.113.0/24', block: '203.0.0.0/16' },
    userAgent: String(REQUEST.headers['user-agent']),
    hints: String(REQUEST.headers['sec-ch-ua']),
    mobile: false,
    platform: 'Windows',
    languages: ['nb-NO', 'nb', 'en'],
    screen: '2560x1440x1',
    timezone: 'Europe/Oslo',
    attributes: ATTRIBUTES,
  }
}

export interface SessionFacts {
  readonly userId: string
  readonly tenant: string
  readonly createdAt: number
  readonly authenticatedAt: number
  readonly acr: string | null
  readonly amr: readonly string[]
  readonly factors: readonly string[]
  readonly network: { readonly address: string; readonly prefix: string; readonly block: string }
  readonly userAgent: string
  readonly hints: string
  readonly mobile: boolean
  readonly platform: string
  readonly languages: readonly string[]
  readonly screen: string
  readonly timezone: string
  readonly attributes: typeof ATTRIBUTES
}

/** Throws if a row answers with another user: a wrong answer has no figure. */
export function expectUser(found: unknown, expected: string | null | undefined): void {
  if (found !== expected)
    throw new Error(`${expected ?? 'nobody'} was expected, and ${String(found)} found`)
}
