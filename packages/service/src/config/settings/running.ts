import { z } from 'zod'
import { setting } from '../setting.ts'
import { duration, pause } from '../values.ts'

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
  logLevel: setting(z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'), {
    about: 'Least severity that is logged, as JSON lines on standard output.',
    example: 'info',
    reading: 'text',
  }),
}
