import type { Sessions } from 'holdfast'
import { pino } from 'pino'
import { callersOf } from '../../src/api/callers.ts'
import type { QuickParts } from '../../src/api/quick-verify.ts'
import { sessionCookies } from '../../src/main/cookies.ts'
import { NO_GUESS_LIMITS } from '../../src/main/guess-limits.ts'
import { serviceMetrics } from '../../src/main/metrics.ts'
import { configOf } from '../support.ts'

/** What the quick calls work with, around an engine of the test's own. */
export function quickParts(verify: object, more: Partial<QuickParts> = {}): QuickParts {
  const config = configOf()
  const log = pino({ level: 'silent' })
  return {
    sessions: { verify } as unknown as Sessions,
    callers: callersOf(config.apiKeys),
    cookies: sessionCookies(config, () => 0),
    metrics: serviceMetrics(),
    callerAddress: () => null,
    guesses: NO_GUESS_LIMITS,
    log,
    flatLog: log,
    ...more,
  }
}
