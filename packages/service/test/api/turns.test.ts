import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Presented, Verification } from 'holdfast'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../holdfast/test/support/until.ts'
import { quickVerify } from '../../src/api/quick-verify.ts'
import { serviceMetrics } from '../../src/main/metrics.ts'
import { atHome, KEYS } from '../support.ts'
import { quickParts } from './quick-parts.ts'

type Judge = (token: string) => Verification | undefined

/** What was done for the requests of one turn of the event loop, in order. */
interface Turn {
  readonly done: string[]
  /** Bodies of the answers, in the order of the requests. */
  readonly answers: readonly unknown[]
  /** How long the oldest request of each turn had waited, ms. */
  readonly waits: readonly number[]
}

/**
 * Sends requests in one write, so that the server reads them in one turn. `judge` stands for an
 * engine with local copies; `undefined` asks it to read first.
 */
async function oneTurn(
  tokens: readonly string[],
  judge: Judge,
  onAnswer: (token: string, response: ServerResponse) => void = () => {},
): Promise<Turn> {
  const done: string[] = []
  const waits: number[] = []
  const now = ({ token }: Presented): Verification | undefined => {
    done.push(`judge ${token}`)
    return judge(token)
  }
  const verify = async ({ token }: Presented): Promise<Verification> => {
    done.push(`read ${token}`)
    return { ok: false, code: 'session_unknown' }
  }
  const quick = quickVerify(
    quickParts(Object.assign(verify, { now }), {
      metrics: { ...serviceMetrics(), answered: ({ status }) => done.push(`log ${status}`) },
      waited: (ms) => waits.push(ms),
    }),
  )
  const server = createServer((incoming: IncomingMessage, response) => {
    const token = String(incoming.headers['x-request-id']).replace('request-of-', '')
    const end = response.end.bind(response)
    response.end = ((text: string) => {
      done.push(`answer ${token}`)
      onAnswer(token, response)
      return end(text)
    }) as ServerResponse['end']
    quick(incoming, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  socket.write(tokens.map((token, at) => message(token, at === tokens.length - 1)).join(''))
  await once(socket, 'close')
  const answers = [...text.matchAll(/\r\n\r\n(\{.*?\})(?=HTTP|$)/gs)]
  return { done, waits, answers: answers.map(([, body]) => JSON.parse(body ?? '')) }
}

/** `a.b` is a batch of two; `A.B` is a large one. */
function message(named: string, last: boolean): string {
  const presented = named.split('.').map((token) => {
    const url = token === token.toLowerCase() ? '/' : `/${'x'.repeat(9_000)}`
    return { token, request: { ...atHome(), url } }
  })
  const batch = presented.length > 1
  const body = JSON.stringify(batch ? { presented } : presented[0])
  return [
    `POST /v1/verify${batch ? '/batch' : ''} HTTP/1.1`,
    'host: localhost',
    `connection: ${last ? 'close' : 'keep-alive'}`,
    `authorization: Bearer ${KEYS.app}`,
    'content-type: application/json',
    `x-request-id: request-of-${named}`,
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

const refused: Verification = { ok: false, code: 'session_unknown' }

test('the requests of one turn are all judged, then all answered, then all logged', async () => {
  const { done, answers } = await oneTurn(['a', 'b', 'c'], () => refused)

  expect(done).toEqual([
    ...['judge a', 'judge b', 'judge c'],
    ...['answer a', 'answer b', 'answer c'],
    ...['log 200', 'log 200', 'log 200'],
  ])
  expect(answers).toMatchObject([refused, refused, refused])
})

test('a large batch ends its turn: its answers are under way while others are judged', async () => {
  const { done } = await oneTurn(['a', 'b.c', 'D.E', 'f.g', 'h'], () => refused)

  expect(done).toEqual([
    ...['judge a', 'judge b', 'judge c', 'judge D', 'judge E'],
    ...['answer a', 'answer b.c', 'answer D.E', 'log 200', 'log 200', 'log 200'],
    ...['judge f', 'judge g', 'judge h'],
    ...['answer f.g', 'answer h', 'log 200', 'log 200'],
  ])
})

test('what has to wait for a later turn is told of: the event loop itself is in time', async () => {
  const { waits } = await oneTurn(['D.E', 'F.G', 'h'], () => {
    const end = performance.now() + 10
    while (performance.now() < end);
    return refused
  })

  expect(waits).toHaveLength(3)
  expect(waits[1]).toBeGreaterThanOrEqual(20)
  expect(waits[2]).toBeGreaterThanOrEqual(40)
})

test('whose client has hung up is not judged, and has a line in the log', async () => {
  const { done } = await oneTurn(
    ['D.E', 'F.G', 'h'],
    () => refused,
    (_, response) => void response.socket?.destroy(),
  )
  await until(
    'the last one is logged',
    () => done.filter((one) => one.startsWith('log')).length > 2,
  )

  expect(done.filter((one) => one.startsWith('judge'))).toEqual(['judge D', 'judge E'])
  expect(done.slice(-2)).toEqual(['log 499', 'log 499'])
})

test('a request that has to be read first keeps nobody waiting', async () => {
  const { done, answers } = await oneTurn(['slow', 'b', 'c'], (token) =>
    token === 'slow' ? undefined : refused,
  )

  expect(done.indexOf('answer b')).toBeLessThan(done.indexOf('answer slow'))
  expect(done.indexOf('answer c')).toBeLessThan(done.indexOf('answer slow'))
  expect(answers).toMatchObject([refused, refused, refused])
})

test('a judging that throws is an answer of its own, and the others have theirs', async () => {
  const { done, answers } = await oneTurn(['a', 'broken', 'c'], (token) => {
    if (token === 'broken') throw new Error('a bug')
    return refused
  })

  expect(answers).toMatchObject([refused, { code: 'internal_error', status: 500 }, refused])
  expect(done.filter((what) => what.startsWith('log')).sort()).toEqual([
    'log 200',
    'log 200',
    'log 500',
  ])
})

test('an answer that cannot be sent leaves the others of its turn theirs', async () => {
  const { done } = await oneTurn(
    ['a', 'b', 'unsendable'],
    () => refused,
    (token) => {
      if (token === 'unsendable') throw new Error('a bug')
    },
  )

  expect(done.filter((what) => what === 'log 200')).toHaveLength(2)
  expect(done.slice(0, 6)).toEqual([
    ...['judge a', 'judge b', 'judge unsendable'],
    ...['answer a', 'answer b', 'answer unsendable'],
  ])
})
