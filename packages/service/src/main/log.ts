import type { SessionEvent } from 'holdfast'
import pino, { type DestinationStream, type Logger } from 'pino'
import type { Config } from '../config/schema.ts'

/**
 * JSON lines, UTC. No secret is logged on purpose; fields with these names are redacted in any
 * case.
 */
export function serviceLog(level: Config['logLevel'], destination: DestinationStream): Logger {
  const options = {
    level,
    base: { service: 'holdfast' },
    timestamp: timeField(),
    redact: { paths: REDACTED, censor: '[redacted]' },
    serializers: { err: errorFacts },
  }
  return pino(options, { write: (line) => destination.write(line.replace(UNSAFE, escaped)) })
}

/**
 * What moves a terminal's cursor or turns text round, and what some readers take for the end of a
 * line: DEL and C1 controls, line and paragraph separators, marks and embeddings of direction
 * (Unicode UAX 9). JSON escapes the other controls.
 */
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** The time as a field of a line. The lines of one millisecond have one text. */
function timeField(): () => string {
  let at = 0
  let field = ''
  return () => {
    const now = Date.now()
    if (now !== at || field === '') {
      at = now
      field = `,"time":"${new Date(now).toISOString()}"`
    }
    return field
  }
}

const NAMES = [
  'token',
  'secret',
  'key',
  'authorization',
  'cookie',
  'challenge',
  'password',
  'previous',
]

const REDACTED = [
  ...NAMES,
  ...NAMES.map((name) => `*.${name}`),
  ...NAMES.map((name) => `*.*.${name}`),
]

/**
 * The same log for lines without nesting, one of which is written for every request: redaction at
 * every depth costs more than the rest of a verification.
 */
export function flatLog(log: Logger): Logger {
  return log.child({}, { redact: { paths: NAMES, censor: '[redacted]' } })
}

/** Code, message and where; never the arguments that a library hangs on its errors. */
function errorFacts(error: Error): Record<string, unknown> {
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const cause = error.cause instanceof Error ? { cause: errorFacts(error.cause) } : {}
  return { name: error.name, ...code, message: error.message, stack: error.stack, ...cause }
}

const ALARMING = new Set<SessionEvent['type']>([
  'anomaly-detected',
  'step-up-failed',
  'session-limited',
  'token-reused',
])

/** Of these a stranger makes as many as he likes. */
const OF_NOBODY: readonly SessionEvent['type'][] = ['token-unknown', 'request-refused']
const OF_NOBODY_MS = 1_000

/**
 * Logs security events, a line for each; of those that anybody can cause and that name no session,
 * a line a second for each type, with how many came in between (`more`).
 */
export function eventLogger(
  log: Logger,
  now: () => number = () => performance.now(),
): (event: SessionEvent) => void {
  const told = new Map<SessionEvent['type'], { readonly at: number; silent: number }>()

  return (event) => {
    const { type, session } = event
    if (session !== null || !OF_NOBODY.includes(type)) return logEvent(log, event)
    const last = told.get(type)
    if (last !== undefined && now() - last.at < OF_NOBODY_MS) {
      last.silent++
      return
    }
    logEvent(log, event, { more: last?.silent ?? 0 })
    told.set(type, { at: now(), silent: 0 })
  }
}

/** One line for a security event: codes and keys, no address, no subject in clear (ASVS 16.2.5). */
function logEvent(log: Logger, event: SessionEvent, more: { readonly more?: number } = {}): void {
  const line = {
    event: event.type,
    event_id: event.id,
    at: new Date(event.at).toISOString(),
    actor: event.actor,
    session: event.session,
    subject: event.subject,
    country: event.network?.country ?? null,
    asn: event.network?.asn ?? null,
    outcome: event.decision?.outcome ?? null,
    score: event.decision?.score ?? null,
    because: event.decision?.because.map(({ reason, weight }) => `${reason} ${weight}`) ?? [],
    reason: event.reason,
    correlation: event.correlation,
    ...(event.trace === undefined ? {} : { trace: event.trace }),
    ...more,
  }
  if (ALARMING.has(event.type)) log.warn(line, 'event')
  else log.info(line, 'event')
}
