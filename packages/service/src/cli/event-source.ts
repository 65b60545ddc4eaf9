import { createReadStream } from 'node:fs'
import { SessionError } from 'holdfast'
import { type Asked, type Option, UsageError } from 'holdfast/cli'
import { type RecordedEvent, recordedEvent } from '../report/recorded.ts'
import { REMOTE_OPTIONS, type Remote, remoteOf } from './remote.ts'
import { queryEvents } from './remote-events.ts'

/** Options of every command that looks at recorded events. */
export const SOURCE_OPTIONS: Readonly<Record<string, Option>> = {
  since: { type: 'string', value: 'INSTANT', about: 'Nothing older, for example 2026-01-31' },
  ...REMOTE_OPTIONS,
}

/** What the help of these commands says of where events come from. */
export const SOURCE_DETAILS =
  'Events come from FILE, one JSON object a line as "holdfast events --json" writes them, ' +
  'from standard input (-), or,\n' +
  'without either, from the log of a running service: that needs a key with the role audit.'

const PAGE = '1000'
const MAX_LINE = 262_144

/** Recorded events in the order of their log. */
export async function* recordedEvents(asked: Asked): AsyncGenerator<RecordedEvent> {
  const since = instantOf(asked.text('since'))
  const [file] = asked.arguments
  const source = file === undefined ? fromService(remoteOf(asked)) : fromLines(file)
  for await (const event of source) if (event.at >= since) yield event
}

async function* fromService(remote: Remote): AsyncGenerator<RecordedEvent> {
  let after: string | undefined
  for (;;) {
    const page = await queryEvents(remote, { after, limit: PAGE })
    for (const event of page.items) yield parsed(event, 'The service sent an event')
    if (!page.more || page.cursor === undefined) return
    after = page.cursor
  }
}

async function* fromLines(file: string): AsyncGenerator<RecordedEvent> {
  let number = 0
  for await (const line of linesOf(file)) {
    number++
    if (line.trim() === '') continue
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      throw notAnEvent(`${nameOf(file)}, line ${number}`)
    }
    yield parsed(value, `${nameOf(file)}, line ${number}`)
  }
}

/** Lines of bounded length: a file that is none must not fill the memory. */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const stream = file === '-' ? process.stdin : createReadStream(file)
  stream.setEncoding('utf8')
  let rest = ''
  try {
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > MAX_LINE) throw notAnEvent(nameOf(file))
      yield* lines
    }
  } catch (error) {
    if (error instanceof SessionError) throw error
    throw new SessionError('invalid_input', `${nameOf(file)} cannot be read.`, { cause: error })
  }
  if (rest !== '') yield rest
}

function parsed(value: unknown, where: string): RecordedEvent {
  const read = recordedEvent.safeParse(value)
  if (read.success) return read.data
  throw notAnEvent(where, read.error.issues[0]?.path.join('.'))
}

function notAnEvent(where: string, field?: string): SessionError {
  const wrong = field === undefined || field === '' ? '' : ` ("${field}" is missing or wrong)`
  return new SessionError('invalid_input', `${where} is not an event${wrong}.`)
}

/** A file as messages name it. */
export function nameOf(file: string): string {
  return file === '-' ? 'Standard input' : file
}

function instantOf(text: string | undefined): number {
  if (text === undefined) return Number.NEGATIVE_INFINITY
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new UsageError('--since must be a date, for example 2026-01-31.')
  return at
}
