import type { LoggedLine } from '../entry.ts'
import { factsOf } from '../formats/facts.ts'
import { type Level, meaningOf } from '../formats/meaning.ts'

export interface SyslogOrigin {
  readonly hostname: string
  readonly processId: string
}

/**
 * An entry as a message of RFC 5424, counted in octets (RFC 5425, section 4.3; RFC 6587, section
 * 3.4.1 over TCP): a line end within it ends nothing. The message is the entry's JSON in ASCII, so
 * that it needs no byte order mark, which readers of JSON do not expect.
 */
export function syslogFrame(entry: LoggedLine, message: object, origin: SyslogOrigin): string {
  return octetCounted(syslogMessage(entry, asciiJson(message), origin))
}

function octetCounted(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`
}

/**
 * The message with its header and structured data. Text beyond ASCII begins with a byte order mark
 * (RFC 5424, section 6.4).
 */
export function syslogMessage(entry: LoggedLine, text: string, origin: SyslogOrigin): string {
  const facts = factsOf(entry, 'none')
  const { severity, outcome } = meaningOf(facts)
  const header = [
    `<${FACILITY * 8 + SEVERITIES[severity]}>1`,
    new Date(facts.at).toISOString(),
    headerWord(origin.hostname, 255),
    'holdfast',
    headerWord(origin.processId, 128),
    headerWord(facts.type, 32),
  ].join(' ')
  const data = [
    element('meta', { sequenceId: String((facts.index % MOST_SEQUENCE) + 1) }),
    element(OUR_DATA, {
      id: facts.id,
      type: facts.type,
      outcome,
      subject: facts.subject,
      session: facts.session,
      correlation: facts.correlation,
    }),
  ].join('')
  return `${header} ${data} ${isAscii(text) ? '' : BYTE_ORDER_MARK}${text}`
}

/** "Log audit" of RFC 5424, section 6.2.1. */
const FACILITY = 13

const SEVERITIES: Readonly<Record<Level, number>> = {
  informational: 6,
  low: 5,
  medium: 4,
  high: 3,
  critical: 2,
}

/** RFC 5424, section 7.3.1. */
const MOST_SEQUENCE = 2_147_483_647

/**
 * Names of our own need an enterprise number behind them (RFC 5424, section 7.2.2). The project has
 * none of its own: this is the one for documentation (RFC 5612).
 */
const OUR_DATA = 'holdfast@32473'

const BYTE_ORDER_MARK = '\ufeff'

/** Printable ASCII without spaces; the nil value for what has none. */
function headerWord(text: string, most: number): string {
  return text.replace(/[^\x21-\x7e]/g, '').slice(0, most) || '-'
}

function element(id: string, values: Readonly<Record<string, string | null>>): string {
  const parameters = Object.entries(values).flatMap(([name, value]) =>
    value === null ? [] : ` ${name}="${value.replace(/["\\\]]/g, '\\$&')}"`,
  )
  return `[${id}${parameters.join('')}]`
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
