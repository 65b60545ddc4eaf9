import type { HeaderPair } from 'holdfast/gateway'
import type { Dialect } from './dialect.ts'
import { originalUrl, readWords, word } from './said.ts'

/**
 * nginx: `X-Original-Method`, `X-Original-URL`, `X-Forwarded-For`. Its `auth_request` knows 2xx, 401 and 403, and makes
 * 500 of everything else: other answers are 401 with `Holdfast-Status`, of which its configuration makes what they
 * were. Faults stay: they are to become 500.
 */
export const authRequest: Dialect = {
  name: 'auth-request',
  read({ header }) {
    const { proto, host, url } = originalUrl(word(header, 'x-original-url')) ?? {}
    return readWords(
      {
        method: word(header, 'x-original-method'),
        proto,
        host,
        url,
        forwardedFor: word(header, 'x-forwarded-for'),
      },
      header,
    )
  },
  refuse(refusal) {
    const { status, headers } = refusal
    const told: HeaderPair = ['holdfast-status', String(status)]
    const known = status === 401 || status === 403 || status >= 500
    return { ...refusal, status: known ? status : 401, headers: [...headers, told] }
  },
}
