import type { ForeignRequest } from '../../carriers/csrf.ts'
import { isLoopbackHost } from '../../network/loopback.ts'

/**
 * What the client of a refused request is told: which header was missing or wrong, and what to
 * send. It repeats what the client has sent itself. The expected origin is told only where it is a
 * loopback one, because elsewhere it may be a name of the inside.
 */
export function foreignAdvice({ cause, seen, expected }: ForeignRequest): string {
  switch (cause) {
    case 'unsaid':
      return (
        'Neither Sec-Fetch-Site nor Origin says which page caused this request. Browsers send ' +
        'them. A program that is no browser sends `Sec-Fetch-Site: none`, or `Origin` with the ' +
        'origin of this site.'
      )
    case 'other_origin':
      return (
        `Origin is ${JSON.stringify(seen)}, and that is not the origin that this request was ` +
        `sent to${expectedPart(expected)}. Send the origin of this site. Where a proxy rewrites ` +
        'Host, or a page of that origin may use sessions of this site, list it in `origins`.'
      )
    case 'sibling':
      return (
        `A page of a sibling host${seenPart(seen)} caused this request ` +
        '(Sec-Fetch-Site: same-site). Where it may, list its origin in `origins`, or set ' +
        "`sameSite: 'trust'`."
      )
    case 'other_site':
      return (
        `A page of another site${seenPart(seen)} caused this request ` +
        '(Sec-Fetch-Site: cross-site). Where it may, list its origin in `origins`. A login that ' +
        'ends at another site names it: `login({ from })`.'
      )
    case 'other_sender':
      return (
        `Origin is ${JSON.stringify(seen ?? 'missing')}, and \`from\` of this login names ` +
        'another one. A provider whose page sends no referrer posts with `Origin: null`.'
      )
    case 'embedded':
      return (
        `A page of another site${seenPart(seen)} embeds or fetches this address ` +
        '(Sec-Fetch-Site: cross-site, and no navigation). Others may link here, no more. Where ' +
        'it may, list its origin in `origins`.'
      )
  }
}

function seenPart(seen: string | undefined): string {
  return seen === undefined ? '' : ` (Origin: ${JSON.stringify(seen)})`
}

function expectedPart(expected: string | undefined): string {
  const loopback = expected !== undefined && isLoopbackHost(new URL(expected).host)
  return loopback ? ` (${expected})` : ''
}
