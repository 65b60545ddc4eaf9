import type { IncomingMessage, ServerResponse } from 'node:http'
import { LINES_TYPE } from 'holdfast/wire'
import type { Here } from '../main/tracing.ts'
import { type Seen, STANDARD_HEADERS } from './exchange.ts'
import type { LineJudge, VerificationLine } from './judges.ts'

/** A request that is to be answered without the general machinery. */
export interface ToAnswer {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly seen: Seen
  readonly startedAt: number
  /** Where its spans belong. It is answered, and logged, together with others. */
  readonly here: Here | undefined
}

/** What the log will say of a request. */
export interface Answered {
  readonly asked: ToAnswer
  readonly status: number
  readonly ms: number
}

/** Lines of which some are not known yet. */
export type Lines = ReturnType<LineJudge['judge']>
type TextOf = LineJudge['textOf']

const ALWAYS = ['cache-control', 'no-store', ...Object.entries(STANDARD_HEADERS).flat()]
const JSON_HEADER = ['content-type', 'application/json']
const LINES_HEADER = ['content-type', LINES_TYPE]

/** With its length, in one write. */
export function send(
  asked: ToAnswer,
  status: number,
  text: string,
  headers: readonly string[] = JSON_HEADER,
): Answered {
  const head = headOf(asked, headers)
  head.push('content-length', String(Buffer.byteLength(text)))
  asked.response.writeHead(status, head).end(text)
  return answeredNow(asked, status)
}

export function sendKnownLines(
  asked: ToAnswer,
  known: readonly VerificationLine[],
  textOf: TextOf,
): Answered {
  return send(asked, 200, textOf(known, asked.seen.requestId), LINES_HEADER)
}

/** Sends each line when it is known, and those that are known at one moment in one write. */
export function sendLines(asked: ToAnswer, all: Lines, textOf: TextOf): Promise<Answered> {
  const { response, seen } = asked
  return new Promise((resolve, reject) => {
    let text = ''
    let left = all.length
    let due = false

    function flush(): void {
      due = false
      if (!response.headersSent) {
        if (left === 0) {
          resolve(send(asked, 200, text, LINES_HEADER))
          return
        }
        response.writeHead(200, headOf(asked, LINES_HEADER))
      }
      response.write(text)
      text = ''
      if (left > 0) return
      response.end()
      resolve(answeredNow(asked, 200))
    }

    function add(line: VerificationLine): void {
      text += textOf([line], seen.requestId)
      left--
      if (due) return
      due = true
      process.nextTick(() => {
        try {
          flush()
        } catch (error) {
          reject(error)
        }
      })
    }

    for (const line of all) {
      if (line instanceof Promise) line.then(add).catch(reject)
      else add(line)
    }
  })
}

/** As a list, which costs Node less than an object does. */
function headOf({ seen }: ToAnswer, headers: readonly string[]): string[] {
  const head = ALWAYS.slice()
  for (const text of headers) head.push(text)
  head.push('x-request-id', seen.requestId)
  return head
}

export function answeredNow(asked: ToAnswer, status: number): Answered {
  return { asked, status, ms: performance.now() - asked.startedAt }
}
