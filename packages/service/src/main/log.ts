import type { SessionEvent } from 'holdfast'
import pino, { type DestinationStream, type Logger } from 'pino'
import type { Config } from '../config/schema.ts'

/**
 * JSON lines, UTC. No secret is logged on purpose; fields with these names are redacted in any
 * case.
 */
export function serviceLog(
  level: Config['logLevel'],
  destination: DestinationStream = standardOutput(),
): Logger {
  const options = {
    level,
    base: { service: 'holdfast' },
    timestamp: timeField(),
    redact: { paths: REDACTED, censor: '[redacted]' },
    serializers: { err: errorFacts },
  }
  return pino(options, destination)
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

/** A process that ends writes what is left. One that is killed loses the lines of one turn. */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true })
  const lines = linesByTurn((text) => output.write(text))
  process.on('exit', lines.flush)
  return lines
}

/** Writes the lines of one turn of the event loop at once: a write costs more than its lines. */
export function linesByTurn(
  write: (text: string) => void,
): DestinationStream & { readonly flush: () => void } {
  let text = ''

  function flush(): void {
    const lines = text
    text = ''
    if (lines !== '') write(lines)
  }

  return {
    write(line) {
      if (text === '') setImmediate(flush)
      text += line
    },
    flush,
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

/** One line for a security event: codes and keys, no address, no subject in clear (ASVS 16.2.5). */
export function logEvent(log: Logger, event: SessionEvent): void {
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
  }
  if (ALARMING.has(event.type)) log.warn(line, 'event')
  else log.info(line, 'event')
}
