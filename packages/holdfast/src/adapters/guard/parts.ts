import type { Sessions } from '../../core/sessions.ts'
import { type AnswerTimer, answerTimer } from './answer-time.ts'
import { type EntryChecks, entryChecks } from './entry-checks.ts'
import { type OnBehalf, onBehalfOf } from './on-behalf.ts'
import {
  type Carriers,
  carriersOf,
  checkGuardOptions,
  checkSessions,
  type GuardOptions,
} from './options.ts'
import { type Refusals, refusals } from './refusals.ts'
import { type DescribeRequest, requestDescriber } from './request-facts.ts'
import { type SupersededTokens, supersededTokens } from './superseded.ts'
import { processWarning, type Warn, warnings } from './warnings.ts'

/** What one guard is made of. All of its calls share it. */
export interface GuardParts extends Refusals, OnBehalf {
  readonly sessions: Sessions
  readonly options: GuardOptions
  readonly carriers: Carriers
  readonly checks: EntryChecks
  readonly describe: DescribeRequest
  readonly superseded: SupersededTokens
  readonly startAnswer: AnswerTimer
  readonly now: () => number
  readonly warn: Warn
}

/** Throws `config_invalid` for options that make no sense. */
export function guardParts(sessions: Sessions, options: GuardOptions): GuardParts {
  checkGuardOptions(options)
  const carriers = carriersOf(options)
  const { now = () => Date.now(), onWarning = processWarning } = options
  const warn = warnings(onWarning)
  const checks = entryChecks(options, carriers.session, warn)
  const describe = requestDescriber()
  return {
    sessions: checkSessions(sessions),
    options,
    carriers,
    checks,
    ...refusals(options, carriers, checks.originOf),
    ...onBehalfOf(options.onBehalf, { checks, describe, now, warn }),
    describe,
    superseded: supersededTokens(),
    startAnswer: answerTimer(now),
    now,
    warn,
  }
}
