import { readFileSync } from 'node:fs'
import { connect, type RemoteSessions } from 'holdfast/client'
import { type Asked, type Option, UsageError } from './command.ts'

/** Options of every command that asks a running service. */
export const REMOTE_OPTIONS: Readonly<Record<string, Option>> = {
  url: {
    type: 'string',
    value: 'URL',
    about: 'The service (HOLDFAST_URL; default http://127.0.0.1:4600)',
  },
  key: {
    type: 'string',
    value: 'KEY',
    about: 'API key; others can see it here, so rather set HOLDFAST_KEY or HOLDFAST_KEY_FILE',
  },
}

/** Where to ask, and as whom. */
export interface Remote {
  readonly url: string
  readonly key: string
  readonly sessions: RemoteSessions
}

const TIMEOUT_MS = 10_000

/** The service that a command line and its environment name. Throws `UsageError` without a key. */
export function remoteOf(asked: Asked): Remote {
  const { env } = asked
  const url = asked.text('url') ?? env.HOLDFAST_URL ?? 'http://127.0.0.1:4600'
  const key = asked.text('key') ?? env.HOLDFAST_KEY ?? keyFromFile(env.HOLDFAST_KEY_FILE)
  if (key === undefined || key === '') {
    throw new UsageError(
      'Set HOLDFAST_KEY (or HOLDFAST_KEY_FILE, or --key) to an API key of the service.',
    )
  }
  return {
    url: url.replace(/\/+$/, ''),
    key,
    sessions: connect({ url, key, timeout: TIMEOUT_MS }),
  }
}

function keyFromFile(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    throw new UsageError('HOLDFAST_KEY_FILE names a file that cannot be read.')
  }
}
