import { BlockList, isIPv6 } from 'node:net'
import type { LoggedEntry } from '../../../src/audit/entry.ts'
import { fieldsOf } from '../../../src/audit/fields.ts'
import type { Search } from '../../../src/audit/search/search.ts'

/** Whether an event is what a search looks for, said without an index. */
export function isWanted(search: Search, { index, event, personal }: LoggedEntry): boolean {
  const { since = 0, until = Infinity, fromLine = 0, network } = search
  const fields = fieldsOf(event, personal)
  if (fields.at < since || fields.at >= until || index < fromLine) return false
  if (search.subject !== undefined && fields.name !== search.subject) return false
  if (search.subjectKey !== undefined && fields.subject !== search.subjectKey) return false
  if (network !== undefined && !isWithin(network, fields.address)) return false
  return isAtPlace(search, fields) && isEvent(search, fields) && isOf(search, fields)
}

type Fields = ReturnType<typeof fieldsOf>

function isOf({ session }: Search, fields: Fields): boolean {
  return session === undefined || fields.session === session
}

/** What a session's or subject's place must have, but for its network. */
export function isAtPlace({ asn, country, kind, browser, os }: Search, fields: Fields): boolean {
  return (
    (asn === undefined || fields.asn === asn) &&
    (country === undefined || fields.country === country) &&
    (kind === undefined || fields.kind === kind) &&
    (browser === undefined || fields.browser === browser) &&
    (os === undefined || fields.os === os)
  )
}

export function isEvent(
  { type, outcome, reason, actor, correlation }: Search,
  fields: Fields,
): boolean {
  return (
    (type === undefined || fields.type === type) &&
    (outcome === undefined || fields.outcome === outcome) &&
    (reason === undefined || fields.reason === reason) &&
    (actor === undefined || fields.actor === actor) &&
    (correlation === undefined || fields.correlation === correlation)
  )
}

/** By Node's own arithmetic. */
export function isWithin(network: string, address: string | null): boolean {
  if (address === null) return false
  const [base = '', bits] = network.split('/')
  const plain = address.replace('::ffff:', '')
  if (isIPv6(base) !== isIPv6(plain)) return false
  const family = isIPv6(base) ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addSubnet(base, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  return list.check(plain, family)
}
