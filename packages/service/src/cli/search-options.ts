import { type Asked, type Option, UsageError } from 'holdfast/cli'
import { parseDuration } from 'holdfast/wire'
import { REMOTE_OPTIONS } from './remote.ts'
import type { Query } from './remote-ask.ts'

/** Options of every search, by the names that the API has for most of them. */
export const SEARCH_OPTIONS: Readonly<Record<string, Option>> = {
  since: { type: 'string', value: 'TIME', about: '2h, 30d or an instant (default 30d)' },
  until: { type: 'string', value: 'TIME', about: 'Nothing from then on' },
  subject: { type: 'string', value: 'NAME', about: 'As the application names it' },
  tenant: { type: 'string', value: 'NAME', about: 'Of the subject, or alone' },
  'subject-key': { type: 'string', value: 'KEY', about: 'The subject as events have it' },
  session: { type: 'string', value: 'ID', about: 'One session' },
  network: { type: 'string', value: 'NETWORK', about: 'An address, or for example 203.0.113.0/24' },
  asn: { type: 'string', value: 'NUMBER', about: 'Number of the network, for example 64500' },
  country: { type: 'string', value: 'CODE', about: 'For example NO' },
  kind: { type: 'string', value: 'KIND', about: 'Of network: tor, vpn, hosting, mobile ...' },
  browser: { type: 'string', value: 'FAMILY', about: 'firefox, chrome, safari ...' },
  os: { type: 'string', value: 'NAME', about: 'windows, ios, linux ...' },
  type: { type: 'string', value: 'TYPE', about: 'Of event, for example session-revoked' },
  outcome: { type: 'string', value: 'OUTCOME', about: 'Of a decision, for example challenge' },
  reason: { type: 'string', value: 'CODE', about: 'For example secret_forked' },
  actor: { type: 'string', value: 'NAME', about: 'Who caused it' },
  correlation: { type: 'string', value: 'ID', about: 'All that one request caused' },
  personal: { type: 'string', value: 'WHICH', about: 'none: no names, addresses and agents' },
  limit: { type: 'string', value: 'N', about: 'At most so many, 1 to 1000 (default 100)' },
  after: { type: 'string', value: 'CURSOR', about: 'Go on where an earlier answer ended' },
  watch: { type: 'boolean', about: 'Go on with what happens' },
  ...REMOTE_OPTIONS,
}

/** Of sessions alone. */
export const STATE_OPTION: Readonly<Record<string, Option>> = {
  state: { type: 'string', value: 'STATE', about: 'live, ended or expired' },
}

const NAMES = [...Object.keys(SEARCH_OPTIONS), ...Object.keys(STATE_OPTION)].filter(
  (name) => !Object.hasOwn(REMOTE_OPTIONS, name) && name !== 'watch',
)
const TIMES = ['since', 'until']

/** What the API is asked. Throws `UsageError` for a time that is none. */
export function searchQueryOf(asked: Asked, now: number): Query {
  return Object.fromEntries(
    NAMES.map((name) => {
      const value = asked.text(name)
      const isTime = value !== undefined && TIMES.includes(name)
      return [nameInApi(name), isTime ? String(instantOf(name, value, now)) : value]
    }),
  )
}

/** The same search from a cursor on, as it is typed. It never repeats a key. */
export function commandToGoOn(command: string, asked: Asked, cursor: string): string {
  const options = NAMES.filter((name) => name !== 'after').flatMap((name) => {
    const value = asked.text(name)
    return value === undefined ? [] : [`--${name}=${quoted(value)}`]
  })
  return ['holdfast', command, ...options, `--after=${cursor}`].join(' ')
}

function nameInApi(name: string): string {
  return name === 'subject-key' ? 'subjectKey' : name
}

function instantOf(name: string, text: string, now: number): number {
  const ago = parseDuration(text)
  const at = ago === undefined ? Date.parse(text) : now - ago
  if (at >= 0) return at
  throw new UsageError(`--${name} must be a time such as 2h, 30d or 2026-01-31T12:00Z.`)
}

function quoted(text: string): string {
  return /^[\w.:/@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
