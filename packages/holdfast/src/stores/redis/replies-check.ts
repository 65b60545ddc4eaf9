import { SessionError } from '../../core/errors.ts'
import type { RedisAsk } from './ask.ts'

const SCRIPT = 'return {1, ARGV[1], false}'

/**
 * Throws `config_invalid` for a client that hands on replies in another form than Redis gave them.
 * Its options tell of the usual causes; this finds all others.
 */
export async function refuseChangedReplies(ask: RedisAsk, key: string): Promise<void> {
  const reply = await ask.command(key, ['EVAL', SCRIPT, '1', key, 'x'])
  const [number, text, nothing] = Array.isArray(reply) ? reply : []
  if (number === 1 && Buffer.isBuffer(text) && text.toString() === 'x' && nothing === null) return
  throw new SessionError(
    'config_invalid',
    'The client of the Redis store changes replies: a script’s number, text and nothing came in ' +
      'another form. Make it without options and extensions that map or transform replies.',
  )
}
