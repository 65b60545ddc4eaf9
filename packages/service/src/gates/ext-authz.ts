import type { HeaderLookup, HeaderPair } from 'holdfast/gateway'
import type { Dialect } from './dialect.ts'
import { headerText, readForwarded } from './forwarded.ts'

/**
 * Envoy, Istio and the Gateway API over HTTP: the original method, `Host` and path, which follows
 * a prefix, with `x-forwarded-for` and `x-forwarded-proto`.
 */
export function extAuthz(cookieName: string): Dialect {
  return {
    name: 'ext-authz',
    prefix: true,
    read({ method, rest, header }) {
      return readForwarded(
        {
          method,
          url: rest,
          host: headerText(header, 'host'),
          proto: headerText(header, 'x-forwarded-proto'),
          forwardedFor: headerText(header, 'x-forwarded-for'),
        },
        header,
      )
    },
    allow({ header }) {
      const kept = cookiesForApp(header, cookieName)
      if (kept === undefined) return []
      return kept === '' ? [['x-envoy-auth-headers-to-remove', 'cookie']] : [['cookie', kept]]
    },
  }
}

/** The client's cookies without the session's secret; undefined when it is not among them. */
export function cookiesForApp(header: HeaderLookup, cookieName: string): string | undefined {
  const cookies = headerText(header, 'cookie')
  if (cookies === undefined || !cookies.includes(`${cookieName}=`)) return undefined
  const kept: HeaderPair[1][] = []
  for (const pair of cookies.split(';')) {
    const text = pair.trim()
    if (text !== '' && !text.startsWith(`${cookieName}=`)) kept.push(text)
  }
  return kept.join('; ')
}
