import { z } from 'zod'
import { setting } from '../setting.ts'
import { duration, pause } from '../values.ts'

const guesses = z.union([
  z.literal('off'),
  z.strictObject({
    burst: z.int().min(1).max(1_000_000),
    perMinute: z.int().min(1).max(1_000_000),
  }),
])

/** The process itself. */
export const running = {
  requestTimeout: setting(duration.default(10_000), {
    about: 'A request that has not arrived whole by then is dropped.',
    example: '10s',
    reading: 'text',
  }),
  drain: setting(pause.default(2_000), {
    about:
      'How long a stopping service goes on serving, with `Connection: close` and a `/readyz` ' +
      'of 503, so that those who balance load see it before its port closes. `0s` closes at ' +
      'once.',
    example: '5s',
    reading: 'text',
  }),
  stopTimeout: setting(duration.default(10_000), {
    about: 'How long a stopping service, its port closed, lets requests in flight finish.',
    example: '10s',
    reading: 'text',
  }),
  guessLimit: setting(guesses.default({ burst: 100, perMinute: 60 }), {
    about:
      'How many tokens that nobody has, and API keys likewise, one client address (IPv6: /64) ' +
      'may show: so many at once, then so many a minute. More are answered 429 with ' +
      '`Retry-After`, and take no cookie away; what holds is never limited. `off` for none. See ' +
      '[limits](api.md#limits).',
    example: '{ burst: 100, perMinute: 60 }',
    reading: 'yaml',
  }),
  callerGuessLimit: setting(guesses.default({ burst: 20_000, perMinute: 10_000 }), {
    about:
      'As `guessLimit`, for all tokens that come by one API key, or by the gateways together: ' +
      'guesses that are spread over many addresses.',
    example: '{ burst: 20000, perMinute: 10000 }',
    reading: 'yaml',
  }),
  logLevel: setting(z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'), {
    about: 'Least severity that is logged, as JSON lines on standard output.',
    example: 'info',
    reading: 'text',
  }),
}
