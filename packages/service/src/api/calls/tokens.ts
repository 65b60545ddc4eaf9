import { createHash } from 'node:crypto'
import type { PublicKeySet } from 'holdfast/tokens'
import { publishedKeys } from 'holdfast/wire'
import { type Call, call } from '../call.ts'
import type { ApiParts } from '../parts.ts'

/** Verifiers keep the set for five minutes, and for a day where this service cannot be asked. */
const CACHE_CONTROL = 'public, max-age=300, stale-if-error=86400'

/** What the services behind need to believe an access token. */
export function tokenCalls({ ownTokens }: ApiParts): readonly Call[] {
  const published = publication()

  return [
    call({
      id: 'keySet',
      method: 'get',
      path: '/.well-known/jwks.json',
      roles: [],
      summary: 'The public keys that access tokens are signed with (RFC 7517)',
      headers: [{ name: 'If-None-Match', about: '`ETag` of an earlier answer', required: false }],
      answers: {
        200: {
          about: 'The keys, those that will sign next and that have signed included',
          body: publishedKeys,
        },
        304: { about: 'Nothing has changed' },
      },
      async handle({ headers }) {
        const { text, etag } = published(ownTokens.publicKeys())
        const common = { 'cache-control': CACHE_CONTROL, etag }
        if (matches(headers.get('if-none-match'), etag)) {
          return new Response(null, { status: 304, headers: common })
        }
        return new Response(text, { headers: { ...common, 'content-type': 'application/json' } })
      },
    }),
  ]
}

interface Published {
  readonly text: string
  readonly etag: string
}

/** Written once for a set: anybody may ask, and as often as they like. */
function publication(): (keys: PublicKeySet) => Published {
  let of: PublicKeySet = { keys: [] }
  let published = written(of)
  return (keys) => {
    if (keys !== of) {
      of = keys
      published = written(keys)
    }
    return published
  }
}

function written(keys: PublicKeySet): Published {
  const text = JSON.stringify(keys)
  return { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` }
}

/** RFC 9110, section 13.1.2: a list, compared without regard to weakness. */
function matches(header: string | null, etag: string): boolean {
  if (header === null) return false
  return header.split(',').some((one) => ['*', etag].includes(one.trim().replace(/^W\//, '')))
}
