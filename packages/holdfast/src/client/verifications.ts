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
  readonly settled: () => boolean
  resolve(verification: Verification): void
  reject(error: unknown): void
}

/**
 * Sends the verifications of one turn of the event loop in one request, as far as they fit. While
 * nothing is under way, what is asked goes at once. While the service is busy with a few requests,
 * what is asked gathers for its next one: each costs as much as several verifications.
 *
 * Each has an answer, a fault and a time limit of its own. A batch that is refused as a whole says
 * nothing about its entries, so each of them is asked alone.
 */
export function verifications(call: RemoteCalls): Sessions['verify'] {
  let waiting: Asked[] = []
  let requests = 0
  let unheard = 0
  let due = false
  let gathering: ReturnType<typeof setTimeout> | undefined
  let oneByOne = 0

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
      if (!one.settled()) {
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
      one.reject(error)
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
      if (whole?.status === TOO_OFTEN) {
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
      for (const one of all) one.reject(error)
    }
  }

  function takeLine(all: readonly Asked[], text: string): void {
    const line = readVerificationLine(jsonOf(text))
    const one = line === undefined ? undefined : all[line.at]
    if (line?.result !== undefined) one?.resolve(line.result)
    else if (line?.problem !== undefined)
      one?.reject(call.fault({ ...line.problem, body: undefined }))
  }

  function answer(one: Asked, given: RemoteAnswer): void {
    if (one.settled()) return
    try {
      one.resolve(call.expect(given, 200, readVerification))
    } catch (error) {
      one.reject(error)
    }
  }

  return (presented) =>
    new Promise((resolve, reject) => {
      const said = withTraces(presented)
      const text = call.textOf(knownPresented(said))
      const one = asked({ text, headers: traceHeaders(said ?? {}) }, { resolve, reject })
      waiting.push(one)
      schedule()
    })

  function asked(
    { text, headers }: Pick<Asked, 'text' | 'headers'>,
    { resolve, reject }: Pick<Asked, 'resolve' | 'reject'>,
  ): Asked {
    let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(
      () => one.reject(call.unreached()),
      call.timeoutMs,
    )
    const settle = (): void => {
      clearTimeout(timer)
      timer = undefined
    }
    const one: Asked = {
      text,
      headers,
      alone: text.length > MAX_LENGTH,
      settled: () => timer === undefined,
      resolve(verification) {
        settle()
        resolve(verification)
      },
      reject(error) {
        settle()
        reject(error)
      },
    }
    return one
  }
}

const knownPresented = knownFields(presentedBody)

/** Who has asked too often must not ask once more for each entry. */
const TOO_OFTEN = 429

const OK = { status: 200, code: undefined, detail: undefined } as const

/** The results of a service that answers a batch as a whole. */
function resultsOf(body: unknown): readonly unknown[] {
  if (typeof body !== 'object' || body === null || !('results' in body)) return []
  return Array.isArray(body.results) ? body.results : []
}
