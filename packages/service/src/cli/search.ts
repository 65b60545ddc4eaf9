import { type Asked, type Command, EXIT, instant, printable, table } from 'holdfast/cli'
import type {
  Found,
  FoundEvent,
  FoundSession,
  FoundSubject,
  Place,
} from '../audit/search/search.ts'
import { interrupted } from './events.ts'
import { remoteOf } from './remote.ts'
import { type Kinds, searchService, watchService } from './remote-search.ts'
import { commandToGoOn, SEARCH_OPTIONS, STATE_OPTION, searchQueryOf } from './search-options.ts'

/** How things that are found are shown. */
interface Shown<T> {
  readonly head: readonly string[]
  row(item: T): readonly string[]
}

const DETAILS =
  'Every option must match. A session or subject is found by one event (type, outcome, reason, ' +
  'actor, correlation)\n' +
  'and one place (network, asn, country, kind, browser, os). What no index serves is looked for ' +
  'in slices of time:\n' +
  'the answer says how far back, and how to go on. Needs a key with the role audit.'

/** Searches of the audit log, over the API. */
export const searchCommands: readonly Command[] = [
  {
    name: 'events search',
    about: 'Search the audit log: what happened, newest first',
    ...searching('events', {
      head: ['AT', 'TYPE', 'DECISION', 'REASON', 'SUBJECT', 'FROM', 'WITH', 'BY', 'SESSION'],
      row: eventRow,
    }),
    options: SEARCH_OPTIONS,
    examples: [
      'holdfast events search --subject alice --since 2h',
      'holdfast events search --network 203.0.113.0/24 --outcome challenge',
      'holdfast events search --type session-revoked --actor ops --watch',
    ],
  },
  {
    name: 'sessions search',
    about: 'Search sessions, live and past: whose, from where, with what, and whether they ended',
    ...searching('sessions', {
      head: ['SESSION', 'SUBJECT', 'FIRST SEEN', 'LAST SEEN', 'STATE', 'WORST', 'FROM'],
      row: sessionRow,
    }),
    options: { ...SEARCH_OPTIONS, ...STATE_OPTION },
    examples: [
      'holdfast sessions search --network 203.0.113.7 --since 30d',
      'holdfast sessions search --kind tor --state live',
    ],
  },
  {
    name: 'subjects search',
    about: 'Search subjects: who was seen, from where, with what',
    ...searching('subjects', {
      head: ['SUBJECT', 'KEY', 'FIRST SEEN', 'LAST SEEN', 'SESSIONS', 'LIVE', 'WORST', 'FROM'],
      row: subjectRow,
    }),
    options: SEARCH_OPTIONS,
    examples: ['holdfast subjects search --network 203.0.113.0/24 --type login-failed'],
  },
]

function searching<K extends keyof Kinds>(
  kind: K,
  shown: Shown<Kinds[K]>,
): Pick<Command, 'usage' | 'details' | 'arguments' | 'run'> {
  return {
    usage: '',
    details: DETAILS,
    arguments: [0, 0],
    async run(asked) {
      const remote = remoteOf(asked)
      const query = searchQueryOf(asked, Date.now())
      if (!asked.flag('watch')) {
        show(asked, `${kind} search`, shown, await searchService(remote, kind, query))
        return EXIT.done
      }
      const search = (one: typeof query): Promise<Found<Kinds[K]>> =>
        searchService(remote, kind, one)
      for await (const item of watchService({ search, query, stop: interrupted() })) {
        asked.out.line(printable(shown.row(item).join('  ')))
        asked.out.value(item)
      }
      return EXIT.done
    },
  }
}

function show<T>(asked: Asked, command: string, { head, row }: Shown<T>, page: Found<T>): void {
  const { items, searchedTo, next } = page
  const { out } = asked
  if (items.length > 0) out.line(table(head, items.map(row)))
  if (next === undefined) {
    out.line(items.length === 0 ? 'Nothing found.' : `${items.length} found, and no more.`)
  } else {
    out.line(`Searched back to ${instant(searchedTo)}. To go on:`)
    out.line(`  ${printable(commandToGoOn(command, asked, next))}`)
  }
  out.value(page)
}

function eventRow({ event, personal }: FoundEvent): readonly string[] {
  const { at, type, decision, reason, subject, network, device, actor, session } = event
  return [
    instant(at),
    type,
    decision === null ? '-' : `${decision.outcome} ${decision.score} dB`,
    reason ?? '-',
    personal?.subject ?? subject ?? '-',
    originOf({
      address: personal?.address ?? null,
      asn: network?.asn ?? null,
      country: network?.country ?? null,
      kind: network?.kind ?? null,
    }),
    device === null ? '-' : `${device.family} ${device.os}`,
    actor,
    session ?? '-',
  ]
}

function sessionRow(found: FoundSession): readonly string[] {
  const { session, subject, name, firstSeen, lastSeen, state, ended, worst } = found
  const end = ended === null ? state : `${state} ${instant(ended.at)} ${ended.reason ?? ''}`.trim()
  return [
    session,
    name ?? subject ?? '-',
    instant(firstSeen),
    instant(lastSeen),
    end,
    worst ?? '-',
    originsOf(found),
  ]
}

function subjectRow(found: FoundSubject): readonly string[] {
  const { subject, name, firstSeen, lastSeen, sessions, liveSessions, worst } = found
  return [
    name ?? '-',
    subject,
    instant(firstSeen),
    instant(lastSeen),
    String(sessions),
    String(liveSessions),
    worst ?? '-',
    originsOf(found),
  ]
}

/** The places seen last, and how many there are beside them. */
function originsOf({ places, placeCount }: FoundSession | FoundSubject): string {
  const origins = [...new Set(places.map(originOf))].slice(0, MOST_ORIGINS)
  const more = placeCount > places.length ? ['...'] : []
  return [...origins, ...more].join(', ')
}

const MOST_ORIGINS = 3

function originOf({
  address,
  asn,
  country,
  kind,
}: Pick<Place, 'address' | 'asn' | 'country' | 'kind'>): string {
  const network = [asn === null ? '' : `AS${asn}`, country ?? '', ANONYMOUS.get(kind ?? '') ?? '']
  const known = [address ?? '', ...network].filter((one) => one !== '')
  return known.length === 0 ? '-' : known.join(' ')
}

/** What an operator wants to see at once. */
const ANONYMOUS = new Map(['tor', 'vpn', 'hosting', 'relay'].map((kind) => [kind, `(${kind})`]))
