import type { HeaderPair } from 'holdfast/gateway'
import type { Dialect } from './dialect.ts'
import { headerText, originalUrl, readForwarded } from './forwarded.ts'

/**
 * nginx: `X-Original-Method`, `X-Original-URL`, `X-Forwarded-For`. Its `auth_request` understands
 * 2xx, 401 and 403, and turns everything else into 500. Other refusals are sent as 401 with
 * `Holdfast-Status`, from which its configuration restores the status. Faults stay as they are and
 * become 500.
 */
export const authRequest: Dialect = {
  name: 'auth-request',
  read({ header }) {
    const { proto, host, url } = originalUrl(headerText(header, 'x-original-url')) ?? {}
    return readForwarded(
      {
        method: headerText(header, 'x-original-method'),
        proto,
        host,
        url,
        forwardedFor: headerText(header, 'x-forwarded-for'),
      },
      header,
    )
  },
  refuse(refusal) {
    const { status, headers } = refusal
    const original: HeaderPair = ['holdfast-status', String(status)]
    const known = status === 401 || status === 403 || status >= 500
    return { ...refusal, status: known ? status : 401, headers: [...headers, original] }
  },
}
