import type { HeaderPair } from 'holdfast/gateway'
import type { Dialect } from './dialect.ts'
import { headerText, originalUrl, readForwarded } from './forwarded.ts'

/**
 * nginx: `X-Original-Method`, `X-Original-URL`, `X-Forwarded-For`. Its `auth_request` understands
 * 2xx, 401 and 403, and turns everything else into 500. A redirect is sent as 401 and any other
 * refusal as 403, with `Holdfast-Status`, from which its configuration restores the status: what
 * cannot be judged must not look like a missing login. Faults stay as they are and become 500.
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
    return { ...refusal, status: understood(status), headers: [...headers, original] }
  },
}

function understood(status: number): number {
  if (status >= 500) return status
  return status < 400 || status === 401 ? 401 : 403
}
