import { readFileSync } from 'node:fs'
import { type Asked, type Option, UsageError } from 'holdfast/cli'
import { connect, type RemoteSessions } from 'holdfast/client'

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
    about: 'API key (HOLDFAST_KEY); others can see it here, so rather use a file or the variable',
  },
  'key-file': {
    type: 'string',
    value: 'FILE',
    about: 'File that holds the API key (HOLDFAST_KEY_FILE)',
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
  const key = keyOf(asked)
  if (key === undefined || key === '') {
    throw new UsageError(
      'Name an API key of the service: --key-file FILE, HOLDFAST_KEY_FILE or HOLDFAST_KEY.',
    )
  }
  return {
    url: url.replace(/\/+$/, ''),
    key,
    sessions: connect({ url, key, timeout: TIMEOUT_MS }),
  }
}

/** The command line counts before the variables. */
function keyOf(asked: Asked): string | undefined {
  const { env } = asked
  const [key, file] = [asked.text('key'), asked.text('key-file')]
  if (key !== undefined && file !== undefined) {
    throw new UsageError('--key and --key-file are two keys. Give one of them.')
  }
  if (file !== undefined) return keyFrom('--key-file', file)
  const variable = env.HOLDFAST_KEY_FILE
  return (
    key ??
    env.HOLDFAST_KEY ??
    (variable === undefined ? undefined : keyFrom('HOLDFAST_KEY_FILE', variable))
  )
}

function keyFrom(named: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    throw new UsageError(`${named} names a file that cannot be read.`)
  }
}
