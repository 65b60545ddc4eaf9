import type { Logger } from 'pino'
import type { Metrics } from '../main/metrics.ts'
import { sampledWarnings } from '../main/sampled-log.ts'
import type { GateAnswer } from './decide.ts'

/** One answer of a gate. */
export interface Answered {
  readonly dialect: string
  readonly status: number
  readonly ms: number
  readonly address: string | undefined
  readonly judged: GateAnswer
}

/** Counts and logs what gates answer. */
export interface GateReports {
  answered(answered: Answered): void
}

/** Counts every answer and logs it at `debug`. A gateway's mistakes are warnings, not too often. */
export function gateReports(
  metrics: Pick<Metrics, 'gate'>,
  log: Logger,
  now: () => number = () => performance.now(),
): GateReports {
  const warn = sampledWarnings(log, now)

  return {
    answered({ dialect, status, ms, address, judged }) {
      const reason = judged.ok ? undefined : judged.reason
      metrics.gate({ dialect, status, ms, reason })
      const code = judged.ok ? undefined : judged.code
      if (reason !== undefined) {
        const message = MISTAKES[reason] ?? 'a gateway is not set up'
        warn(reason, { dialect, status, code, address, reason }, message)
      } else if (log.isLevelEnabled('debug')) {
        log.debug({ dialect, status, code, ms: Math.round(ms * 10) / 10 }, 'gate')
      }
    },
  }
}

const MISTAKES: Readonly<Record<string, string>> = {
  caller_unknown:
    'a gate was asked without a key: give the gateway one, or name its address in gatePeers',
  audience_forbidden:
    'a gateway asks for access tokens of an audience that its key is not for: add it to the ' +
    'audiences of the key in apiKeys, or give the gateway another key',
  option_unknown: 'a gateway sends unknown options',
  header_missing: 'a gateway leaves out a header that reports the request',
  header_malformed: 'a gateway reports something about the request that cannot be read',
  headers_conflict:
    'two headers differ about a request: the gateway passes on a header of its client, or a ' +
    'forgery',
}
