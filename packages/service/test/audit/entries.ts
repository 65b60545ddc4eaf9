import { EVENT_TYPES, type PersonalFacts, type SessionEvent } from 'holdfast/maintenance'
import type { LoggedEntry } from '../../src/audit/entry.ts'

/** Types that a later version of the catalogue has, and one that nobody knows. */
const LATER_TYPES = [
  'login-refused',
  'attributes-changed',
  'admin-acted',
  'key-rotated',
  'policy-changed',
  'request-refused',
  'from-the-future',
]

export const ALL_TYPES: readonly string[] = [...new Set<string>([...EVENT_TYPES, ...LATER_TYPES])]

export const SUBJECT = 'c3ViamVjdHN1YmplY3RzdQ'
const SESSION = `${SUBJECT}${'A'.repeat(20)}E`
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** What the application and the client have said. */
export const ADA: PersonalFacts = {
  subject: 'ada@example.com',
  tenant: 'acme',
  address: '203.0.113.7',
  userAgent: 'Mozilla/5.0 (Windows NT 10.0) Chrome/148.0.0.0',
}

export interface EntryParts {
  readonly index?: number
  readonly event?: Partial<SessionEvent>
  readonly personal?: PersonalFacts | null
}

/** An event of a type, with everything that an event can have. */
export function entryOf(
  type: string,
  { index = 41, event = {}, personal = ADA }: EntryParts = {},
): LoggedEntry {
  return {
    index,
    partition: 3,
    sequence: 17,
    personal,
    event: {
      id: `id-${index}`,
      type: type as SessionEvent['type'],
      at: Date.UTC(2026, 10, 29, 12, 0, 0, 7),
      actor: 'client',
      subject: SUBJECT,
      session: SESSION,
      network: {
        asn: 64500,
        organisation: 'Example Net',
        kind: 'vpn',
        country: 'NL',
        city: 'Utrecht',
      },
      device: { family: 'chrome', major: 148, os: 'windows' },
      decision: {
        outcome: 'challenge',
        score: 31,
        because: [
          { group: 'N', reason: 'country_changed', weight: 31, detail: {}, text: 'It moved.' },
        ],
      },
      situation: null,
      reason: 'secret_forked',
      correlation: 'request-1',
      authentication: { acr: 'urn:mfa', amr: ['pwd', 'otp'] },
      trace: TRACE,
      ...event,
    },
  }
}

/** As little as an event can have. */
export function bareEntry(type: string): LoggedEntry {
  const { event } = entryOf(type)
  const { authentication: _, trace: __, ...rest } = event
  return {
    index: 0,
    partition: 0,
    sequence: 1,
    personal: null,
    event: {
      ...rest,
      subject: null,
      session: null,
      network: null,
      device: null,
      decision: null,
      reason: null,
      correlation: null,
    },
  }
}

/** `count` entries that are alike but for their numbers. */
export function entriesFrom(index: number, count: number): readonly LoggedEntry[] {
  return Array.from({ length: count }, (_, i) =>
    entryOf('session-established', { index: index + i }),
  )
}

const ESCAPE = '\u001b'
const RIGHT_TO_LEFT = '\u202e'

/** Names and agents that attack whatever reads a log. */
export const HOSTILE: Readonly<Record<string, string>> = {
  markup: '<script>alert(1)</script><img src=x onerror=alert(1)>',
  'the end of a JSON string': '"}],"admin":true,"x":["\\',
  'line ends': 'one\r\ntwo\n<13>1 2026-11-29T12:00:00Z forged holdfast - - - three\u2028four',
  'codes of terminals': `${ESCAPE}[2J${ESCAPE}]0;title\u0007\u009b31m\u0000`,
  'right-to-left marks': `${RIGHT_TO_LEFT}gnp.exe\u2066\u200f`,
  'structured data': '"] [forged@1 x="y"] \\',
  'halves of surrogate pairs': 'a\ud800b\udc00c',
  'invisible text': '\u{e0041}\u200b\ufeffx',
  '10 KB': 'x'.repeat(10_240),
  '10 KB of text that grows when it is escaped': `${ESCAPE}\u{1f511}\u4e2d"\\`.repeat(2_000),
}

/** The entry with a hostile text wherever somebody else can put one. */
export function hostileEntry(type: string, text: string): LoggedEntry {
  const { event } = entryOf(type)
  return entryOf(type, {
    personal: { subject: text, tenant: text, address: text, userAgent: text },
    event: {
      actor: text,
      reason: text,
      correlation: text,
      trace: text,
      authentication: { acr: text, amr: [text] },
      network: event.network && { ...event.network, organisation: text, city: text, country: text },
      decision: event.decision && {
        ...event.decision,
        because: [{ group: 'N', reason: text, weight: 31, detail: { text }, text }],
      },
    },
  })
}

export const TOKEN = `hf1.${SESSION}.${'Zm9v'.repeat(41)}`
const ACCESS_TOKEN = `eyJhbGciOiJFZERTQSJ9.${'eyJzdWIi'.repeat(20)}.${'c2ln'.repeat(20)}`
const SECRET = 'a-secret-that-no-format-knows'

/** What no output may contain. */
export const SECRET_PARTS = [...TOKEN.split('.').slice(2), ...ACCESS_TOKEN.split('.'), SECRET]

/** Secrets in fields that no event has, in details, and in texts that somebody else has chosen. */
export function entryWithSecrets(type: string): LoggedEntry {
  const secrets = { token: TOKEN, accessToken: ACCESS_TOKEN, cookie: SECRET, authorization: SECRET }
  const entry = hostileEntry(type, `before ${TOKEN} between ${ACCESS_TOKEN} after`)
  const { event, personal } = entry
  const decision = event.decision && {
    ...event.decision,
    ...secrets,
    because: event.decision.because.map((one) => ({ ...one, ...secrets, detail: secrets })),
  }
  return {
    ...entry,
    ...secrets,
    personal: personal && { ...personal, ...secrets },
    event: { ...event, ...secrets, decision },
  }
}
