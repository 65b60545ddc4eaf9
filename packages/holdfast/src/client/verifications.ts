import type { Sessions, Verification } from '../core/sessions.ts'
import { traceHeaders, withTraces } from '../core/trace.ts'
import { presented as presentedBody } from '../wire/bodies.ts'
import { knownFields } from '../wire/known.ts'
import { MAX_BATCH } from '../wire/lines.ts'
import { jsonOf, type RemoteAnswer, type RemoteCalls } from './calls.ts'
import { readVerification, readVerificationLine } from './readers.ts'

/** Most requests under way at once. What comes beyond them waits, and then travels together. */
const MAX_REQUESTS = 64

/** While so many are under way and nothing of their answers has come, what is asked gathers. */
const UNHEARD_REQUESTS = 2

/** It does not gather for longer, so that a slow answer keeps nothing else waiting. */
const GATHERING_MS = 2

/** The service takes 512 KiB a batch and 256 KiB alone. A unit of a text is at most 3 bytes. */
const MAX_BATCH_LENGTH = Math.floor(524_288 / 3) - 64
const MAX_LENGTH = Math.floor(262_144 / 3)

/** So many go one by one before a service that knew no batches is asked for one again. */
const ONE_BY_ONE = 1_000

interface Asked {
  /** The presentation as JSON. */
  readonly text: string
  /** Names the request, where it travels alone. */
  readonly headers: Readonly<Record<string, string>>
  /** In a request of its own. */
  alone: boolean
  settled: boolean
  readonly clock: Clock
  readonly resolve: (verification: Verification) => void
  readonly reject: (error: unknown) => void
}

/** The time limit of all that was asked in one go. */
interface Clock {
  readonly asked: Asked[]
  /** How many of them have no answer yet. */
  left: number
  readonly timer: ReturnType<typeof setTimeout>
}

/**
 * Sends the verifications of one turn of the event loop in one request, as far as they fit. While
 * nothing is under way, what is asked goes at once. While the service is busy with a few requests,
 * what is asked gathers for its next one: each costs as much as several verifications.
 *
 * Each has an answer, a fault and a time limit of its own. A batch that is refused as a whole says
 * nothing about its entries, so each of them is asked alone; but not where the service has too much
 * to do, or cannot be reached.
 */
export function verifications(call: RemoteCalls): Sessions['verify'] {
  let waiting: Asked[] = []
  let requests = 0
  let unheard = 0
  let due = false
  let gathering: ReturnType<typeof setTimeout> | undefined
  let oneByOne = 0
  let clock: Clock | undefined

  function schedule(): void {
    if (due || waiting.length === 0 || requests >= MAX_REQUESTS) return
    if (unheard >= UNHEARD_REQUESTS) {
      gathering ??= setTimeout(send, GATHERING_MS)
      return
    }
    due = true
    if (requests === 0) queueMicrotask(send)
    else setImmediate(send)
  }

  function send(): void {
    due = false
    clearTimeout(gathering)
    gathering = undefined
    while (requests < MAX_REQUESTS) {
      const all = nextBatch()
      const [first] = all
      if (first === undefined) return
      requests++
      const heard = listening()
      void (all.length === 1 ? askOne(first) : askMany(all, heard)).then(() => {
        requests--
        heard()
        schedule()
      })
    }
  }

  /** Counts a request until its first call: something of its answer has come. */
  function listening(): () => void {
    let silent = true
    unheard++
    return () => {
      if (!silent) return
      silent = false
      unheard--
      schedule()
    }
  }

  /** The oldest of those that wait, as many as one request takes. */
  function nextBatch(): readonly Asked[] {
    const all: Asked[] = []
    let length = 0
    let looked = 0
    for (const one of waiting) {
      if (!one.settled) {
        length += one.text.length + 1
        const fits = all.length < MAX_BATCH && length <= MAX_BATCH_LENGTH
        const joins = fits && !one.alone && oneByOne === 0
        if (all.length > 0 && !joins) break
        all.push(one)
        if (!joins) length = Number.POSITIVE_INFINITY // Nothing else fits in its request.
      }
      looked++
    }
    waiting = waiting.slice(looked)
    return all
  }

  async function askOne(one: Asked): Promise<void> {
    if (oneByOne > 0) oneByOne--
    try {
      answer(one, await call.ask('POST', '/v1/verify', { text: one.text, headers: one.headers }))
    } catch (error) {
      refuse(one, error)
    }
  }

  async function askMany(all: readonly Asked[], heard: () => void): Promise<void> {
    try {
      const whole = await call.askLines('/v1/verify/batch', {
        text: `{"presented":[${all.map(({ text }) => text).join(',')}]}`,
        take(line) {
          heard()
          takeLine(all, line)
        },
      })
      if (whole !== undefined && TOO_MUCH.has(whole.status)) {
        for (const one of all) answer(one, whole)
        return
      }
      if (whole !== undefined && whole.status !== 200) {
        if (whole.status === 404 || whole.status === 405) oneByOne = ONE_BY_ONE
        for (const one of all) one.alone = true
        waiting = [...all, ...waiting]
        return
      }
      const results = resultsOf(whole?.body)
      for (const [at, one] of all.entries()) answer(one, { ...OK, body: results[at] })
    } catch (error) {
      for (const one of all) refuse(one, error)
    }
  }

  function takeLine(all: readonly Asked[], text: string): void {
    const line = readVerificationLine(jsonOf(text))
    const one = line === undefined ? undefined : all[line.at]
    if (line === undefined || one === undefined) return
    if (line.result !== undefined) {
      settle(one)
      one.resolve(line.result)
    } else if (line.problem !== undefined) {
      refuse(one, call.fault({ ...line.problem, body: undefined }))
    }
  }

  function answer(one: Asked, given: RemoteAnswer): void {
    if (one.settled) return
    try {
      const verification = call.expect(given, 200, readVerification)
      settle(one)
      one.resolve(verification)
    } catch (error) {
      refuse(one, error)
    }
  }

  function refuse(one: Asked, error: unknown): void {
    settle(one)
    one.reject(error)
  }

  /** Nobody waits for it any more. What comes of it later is nobody's answer. */
  function settle(one: Asked): void {
    if (one.settled) return
    one.settled = true
    one.clock.left--
    if (one.clock.left === 0) clearTimeout(one.clock.timer)
  }

  /** Of what is asked until the next microtask: a timer for each question would cost more. */
  function clockOfNow(): Clock {
    if (clock !== undefined) return clock
    const asked: Asked[] = []
    const timer = setTimeout(() => {
      for (const one of asked) if (!one.settled) refuse(one, call.unreached())
    }, call.timeoutMs)
    clock = { asked, left: 0, timer }
    queueMicrotask(() => {
      clock = undefined
    })
    return clock
  }

  return (presented) =>
    new Promise((resolve, reject) => {
      const said = withTraces(presented)
      const text = call.textOf(knownPresented(said))
      const headers = traceHeaders(said ?? {})
      const alone = text.length > MAX_LENGTH
      const now = clockOfNow()
      const one: Asked = { text, headers, alone, settled: false, clock: now, resolve, reject }
      now.asked.push(one)
      now.left++
      waiting.push(one)
      schedule()
    })
}

const knownPresented = knownFields(presentedBody)

/**
 * Where too much is asked, or nobody is there to answer, it must not be asked once more for each
 * entry: a service that sheds load would get 64 requests for each that it sheds.
 */
const TOO_MUCH: ReadonlySet<number> = new Set([429, 502, 503, 504])

const OK = { status: 200, code: undefined, detail: undefined } as const

/** The results of a service that answers a batch as a whole. */
function resultsOf(body: unknown): readonly unknown[] {
  if (typeof body !== 'object' || body === null || !('results' in body)) return []
  return Array.isArray(body.results) ? body.results : []
}
