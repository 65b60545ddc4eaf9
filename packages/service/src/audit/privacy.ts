import { EVENT_TYPES, type PersonalFacts, type SessionEvent } from 'holdfast/maintenance'
import { type Kind, meaningOfType } from './formats/meaning.ts'

/** What a field is kept for. A field of an event without a row does not compile. */
type Purposes<T> = Readonly<Record<keyof T, string>>

const PUBLIC: Purposes<SessionEvent> = {
  id: 'tells one event from another, and finds it again',
  type: 'what happened: the table below',
  at: 'when',
  actor: 'who did it: `client`, `engine`, `application`, or the name of an API key or person',
  subject: 'whose it was, as a key (HMAC): the same for the same subject, and no name',
  session: 'which session, by its public id, which is no secret',
  network: 'kind of network, provider, country and city: whether a session moved',
  device: 'browser family, its version, operating system: whether it is another device',
  decision: 'what was decided, and each reason with its weight: why somebody was stopped',
  situation: 'what else the policy looked at: the decision can be repeated',
  reason: 'why, as a code',
  correlation: 'the id of the request: finds it in the logs of other services',
  authentication: 'by which factors somebody has logged in (`acr`, `amr`)',
  trace: 'the `traceparent` of the request, for the same',
}

const PERSONAL: Purposes<PersonalFacts> = {
  subject: 'the name that the application has for the subject: whom to call',
  tenant: 'the tenant of the application',
  address: 'of the client; with `network` its /24 or /64 alone: from where an attack came',
  userAgent: 'of the client, at most 512 characters: what an attacker used',
}

/** Place, what of a person is in it, until when, who sees it. */
const PLACES: readonly (readonly [string, string, string, string])[] = [
  [
    'feed of the store',
    'events with their personal part, sealed under the key ring',
    'within the bounds of the feed (`feedLimit`, `feedBytes`); longer what no audit log has got',
    'role `audit`: `GET /v1/events`, personal with `personal=full`',
  ],
  [
    'lines of the audit log',
    'the public part in clear; the personal part sealed under a key of its subject',
    'the lines for good: they prove each other. A personal part until its subject is erased; ' +
      'that of an event without a subject for `auditKeep`',
    'who can read the directory; personal parts with the key ring alone',
  ],
  [
    'findings, in lines of the log',
    'subject as its key, session, network (/24 or /64), and what a rule puts into title, text ' +
      'and groups: of the rules that come along, the address of operators too',
    'for good, also when the subject is erased. Rules of your own should not quote `name`',
    'who can read the directory',
  ],
  [
    'index of searches',
    'both parts of events',
    '`auditKeep` (400 days); personal parts until the subject is erased, in PostgreSQL until it ' +
      'vacuums, and in its backups as you keep them',
    'role `audit`, and who can read the directory, or the database where `auditDatabase` is set',
  ],
  [
    'incidents',
    'findings, with notes of operators',
    '`auditKeep`; texts, groups, networks and notes until the subject is erased',
    'role `audit`; role `admin` to judge them',
  ],
  [
    'alerts',
    'an incident; name and tenant of the subject where they are kept',
    '30 days after they were sent; name, network and text until the subject is erased',
    'your targets, which have copies of their own; role `audit`',
  ],
  [
    'outputs',
    'the public part; the personal one where the output says `personal: full` or `network`',
    'as their receivers keep it. An erasure here does not reach them',
    'their receivers',
  ],
  [
    'session records in the store',
    'subject, tenant, address, user agent, device facts, attributes: sealed',
    'as long as the session, and a day',
    'roles `app` and `admin`',
  ],
  [
    'history of a subject in the store',
    'networks and devices of the last logins, sealed',
    '90 days after the last one',
    'nobody: it is for decisions',
  ],
  [
    'log of the service',
    'public parts of events; the network of who is limited for guesses',
    'as you keep it',
    'who can read it',
  ],
]

const OCSF: Readonly<Record<Kind, string>> = {
  login: 'Authentication (3002)',
  logout: 'Authentication (3002)',
  session: 'Authentication (3002)',
  detection: 'Detection Finding (2004)',
  cleared: 'Detection Finding (2004)',
  account: 'Account Change (3001)',
  system: 'Account Change (3001)',
}

/** The register of what is kept of people, and the types of events, for the documentation. */
export function privacyReference(): string {
  const fields = [
    ...rowsOf(PUBLIC).map(([name, purpose]) => [name, 'public', purpose]),
    ...rowsOf(PERSONAL).map(([name, purpose]) => [`personal.${name}`, 'personal', purpose]),
  ]
  const types = [...EVENT_TYPES, 'finding'].map((type) => {
    const { kind, severity, title } = meaningOfType(type)
    return [`\`${type}\``, title, kind, severity, OCSF[kind]]
  })
  return [
    '## What is kept of an event',
    table(
      ['field', 'part', 'what for'],
      fields.map(([name, ...rest]) => [`\`${name}\``, ...rest]),
    ),
    '## Where, until when, and who sees it',
    table(['place', 'what of a person', 'until when', 'who sees it'], PLACES),
    '## Types of events',
    table(['type', 'what it is called in outputs', 'kind', 'severity at least', 'OCSF'], types),
  ].join('\n\n')
}

function rowsOf(purposes: Readonly<Record<string, string>>): readonly [string, string][] {
  return Object.entries(purposes)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
