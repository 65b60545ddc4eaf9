import {
  EVENT_FIELDS,
  EVENT_TYPES,
  EVENTS,
  type EventDescription,
  PERSONAL_FIELDS,
} from 'holdfast/maintenance'
import { keptIn, table } from './event-reference.ts'

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
    '`auditKeep` (400 days) of its class, and up to a day more; then a stub without text proves ' +
      'the other lines. A personal part no longer than until its subject is erased',
    'who can read the directory; personal parts with the key ring alone',
  ],
  [
    'findings, in lines of the log',
    'rule, severity, count, subject as its key, session and ids of events in clear; title, text, ' +
      'groups and network (/24 or /64) sealed under a key of the subject',
    'as the other lines, in the class `detection`; the sealed part no longer than until the ' +
      'subject is erased',
    'who can read the directory; the sealed part with the key ring alone',
  ],
  [
    'index of searches',
    'both parts of events',
    '`auditKeep` of the class, sums of sessions and subjects that of the longest; personal ' +
      'parts until the subject is erased, in PostgreSQL until it vacuums, and in its backups as ' +
      'you keep them',
    'role `audit`, and who can read the directory, or the database where `auditDatabase` is set',
  ],
  [
    'incidents',
    'findings, with notes of operators',
    '`auditKeep` of `detection`; titles, texts, groups, networks and notes until the subject is ' +
      'erased',
    'role `audit`; role `admin` to judge them',
  ],
  [
    'alerts',
    'an incident; name and tenant of the subject where they are kept',
    '30 days after they were sent, at most `auditKeep` of `detection`; name, tenant, network ' +
      'and texts until the subject is erased',
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

/** The register of what is kept of people, for the documentation. */
export function privacyReference(): string {
  const fields = [
    ...Object.entries(EVENT_FIELDS).map(([name, purpose]) => [name, 'public', purpose]),
    ...Object.entries(PERSONAL_FIELDS).map(([name, purpose]) => [
      `personal.${name}`,
      'personal',
      purpose,
    ]),
  ]
  return [
    '## What is kept of an event',
    table(
      ['field', 'part', 'what for'],
      fields.map(([name = '', ...rest]) => [`\`${name}\``, ...rest]),
    ),
    '## What of a person each type has',
    table(
      ['type', 'kept', ...ABOUT_PEOPLE, 'personal part'],
      EVENT_TYPES.map((type) => [`\`${type}\``, ...personsIn(EVENTS[type])]),
    ),
    '## Where, until when, and who sees it',
    table(['place', 'what of a person', 'until when', 'who sees it'], PLACES),
  ].join('\n\n')
}

/** Fields of the public part that are about a person. The others are about a request or a rule. */
const ABOUT_PEOPLE = ['subject', 'session', 'network', 'device', 'authentication'] as const

function personsIn(one: EventDescription): readonly string[] {
  const { has, personal } = one
  return [
    keptIn(one),
    ...ABOUT_PEOPLE.map((field) => (has[field] === 'never' ? '' : has[field])),
    personal.map((name) => `\`${name}\``).join(', '),
  ]
}
