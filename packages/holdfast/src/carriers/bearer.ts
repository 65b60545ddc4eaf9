import type { HeaderLookup } from '../core/request.ts'
import { TOKEN_LENGTH } from '../core/token.ts'
import type { Carried, Carrier } from './carrier.ts'

const SCHEME = /^bearer(?: +|$)/i

/**
 * `Authorization: Bearer <token>` (RFC 6750, section 2.1), for clients that are no browsers. There
 * may be one header line only. Answers cannot carry a token, so a bearer's secret does not rotate.
 * Other schemes count as no token.
 */
export function bearer(): Carrier {
  return { ambient: false, read: (header) => readBearer(header, TOKEN_LENGTH) }
}

/** The token of the one `Authorization` line. `maxLength`: longer tokens are malformed. */
export function readBearer(header: HeaderLookup, maxLength: number): Carried {
  const lines = header('authorization')
  if (lines === undefined) return MISSING
  const [line, another] = typeof lines === 'string' ? [lines] : lines
  if (another !== undefined) return { ok: false, code: 'token_duplicated' }
  if (line === undefined) return MISSING
  const scheme = SCHEME.exec(line)?.[0]
  if (scheme === undefined) return MISSING
  const token = line.slice(scheme.length)
  // Some servers join repeated lines with a comma, which no token holds.
  if (token.includes(',')) return { ok: false, code: 'token_duplicated' }
  if (token === '' || token.length > maxLength) return { ok: false, code: 'token_malformed' }
  return { ok: true, token }
}

const MISSING = { ok: false, code: 'token_missing' } as const
