import { createHash } from 'node:crypto'

/**
 * What a caller of the API may do. `app`: use sessions; `gate`: verify them; `admin`: manage them;
 * `audit`: read events.
 */
export const ROLES = ['app', 'gate', 'admin', 'audit'] as const

export type Role = (typeof ROLES)[number]

/** A key as the service keeps it: never the secret. */
export interface ApiKey {
  readonly name: string
  readonly roles: readonly Role[]
  /** `sha256:` and 64 hex digits of the secret. */
  readonly digest: string
  /** The audiences whose access tokens it may have and see. Undefined: all of them. */
  readonly audiences?: readonly string[] | undefined
}

/** A key of nobody, for examples. */
export const EXAMPLE_KEY = {
  name: 'shop',
  roles: ['app', 'gate'],
  digest: `sha256:${'0'.repeat(64)}`,
}

/** Shorter secrets could be guessed; 16 characters of a generator's output are 96 bits or more. */
const MIN_SECRET_LENGTH = 16

const MAX_SECRET_LENGTH = 256

/** The digest form of a key's secret. */
export function digestOf(secret: string): string {
  return `sha256:${createHash('sha256').update(secret).digest('hex')}`
}

/**
 * Reads `name:role+role:secret`, comma-separated or one a line. The answer holds digests; problems
 * name the entry by its place and never repeat its text, because it may hold a secret.
 */
export function parseApiKeys(text: string): {
  readonly keys: readonly { name: string; roles: readonly string[]; digest: string }[]
  readonly problems: readonly string[]
} {
  const keys: { name: string; roles: readonly string[]; digest: string }[] = []
  const problems: string[] = []
  const entries = text.split(/[,\n]/).map((entry) => entry.trim())
  for (const [at, entry] of entries.filter((one) => one !== '').entries()) {
    const [name, roles, ...rest] = entry.split(':')
    const secret = rest.join(':')
    if (name === undefined || roles === undefined || secret === '') {
      problems.push(`entry ${at + 1} is not name:role+role:secret`)
    } else if (secret.length < MIN_SECRET_LENGTH || secret.length > MAX_SECRET_LENGTH) {
      problems.push(
        `the secret of entry ${at + 1} must have ` +
          `${MIN_SECRET_LENGTH} to ${MAX_SECRET_LENGTH} characters`,
      )
    } else keys.push({ name, roles: roles.split('+'), digest: digestOf(secret) })
  }
  return { keys, problems }
}
