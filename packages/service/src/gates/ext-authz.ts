import type { HeaderLookup, HeaderPair } from 'holdfast/gateway'
import type { Dialect } from './dialect.ts'
import { readWords, word } from './said.ts'

/**
 * Envoy, Istio and the Gateway API over HTTP: the original method, path and `Host`, the path behind a prefix, with
 * `x-forwarded-for` and `x-forwarded-proto`.
 */
export function extAuthz(cookieName: string): Dialect {
  return {
    name: 'ext-authz',
    prefix: true,
    read({ method, rest, header }) {
      return readWords(
        {
          method,
          url: rest,
          host: word(header, 'host'),
          proto: word(header, 'x-forwarded-proto'),
          forwardedFor: word(header, 'x-forwarded-for'),
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

/** The client's cookies without the session's secret; undefined when there is nothing to take out. */
export function cookiesForApp(header: HeaderLookup, cookieName: string): string | undefined {
  const cookies = word(header, 'cookie')
  if (cookies === undefined || !cookies.includes(`${cookieName}=`)) return undefined
  const kept: HeaderPair[1][] = []
  for (const pair of cookies.split(';')) {
    const text = pair.trim()
    if (text !== '' && !text.startsWith(`${cookieName}=`)) kept.push(text)
  }
  return kept.join('; ')
}
