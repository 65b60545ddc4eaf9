import type { PersonalFacts } from '../../core/events.ts'
import { cut, headerText, type RequestFacts } from '../../core/request.ts'
import { formatAddress, parseAddress, prefixText } from '../../network/address.ts'
import type { EventFacts } from '../context.ts'

/** How much of who a person is goes with events. */
export type PersonalDetail = 'full' | 'network' | 'none'

const MAX_AGENT = 512

/** What is told of a network, whatever counts as the same one. */
const PREFIX_V4 = 24
const PREFIX_V6 = 64

/** Null where nothing is asked for, or nothing is known. */
export function personalFacts(
  detail: PersonalDetail,
  { owner, cause }: Pick<EventFacts, 'owner' | 'cause'>,
): PersonalFacts | null {
  if (detail === 'none') return null
  const request: Partial<RequestFacts> = cause?.request ?? {}
  const full = detail === 'full'
  const facts: PersonalFacts = {
    subject: full ? (owner?.subject ?? null) : null,
    tenant: full ? (owner?.tenant ?? null) : null,
    address: addressOf(request.ip, full),
    userAgent: full ? agentOf(request.headers) : null,
  }
  return Object.values(facts).every((value) => value === null) ? null : facts
}

/** Facts of a token that is refused at once have not been checked. */
function addressOf(ip: unknown, whole: boolean): string | null {
  const address = typeof ip === 'string' ? parseAddress(ip) : undefined
  if (address === undefined) return null
  if (whole) return formatAddress(address)
  return prefixText(address, address.family === 4 ? PREFIX_V4 : PREFIX_V6)
}

function agentOf(headers: Partial<RequestFacts['headers']> | undefined): string | null {
  const agent = headers?.['user-agent']
  if (typeof agent !== 'string' && !Array.isArray(agent)) return null
  return cut(headerText(agent), MAX_AGENT)
}
