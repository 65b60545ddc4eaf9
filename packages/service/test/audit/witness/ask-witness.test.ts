import type { RequestListener } from 'node:http'
import { expect, test } from 'vitest'
import { noteParts } from '../../../src/audit/log/note.ts'
import {
  askWitness,
  type WitnessAnswer,
  type WitnessQuestion,
} from '../../../src/audit/witness/ask-witness.ts'
import { consistencyProofs } from '../../../src/audit/witness/consistency.ts'
import { witnessVerifier } from '../../../src/audit/witness/cosignature.ts'
import { host, place } from '../log/support.ts'
import { grow, newCosigner, serving, W1, W2, witness } from './support.ts'

const HOUR_MS = 3_600_000
const VERIFIER = witnessVerifier(W1.verifierKey)

function checkpointed() {
  const { directory, open } = place()
  const log = open()
  grow(log, 20)
  const { prove } = consistencyProofs(directory)
  return { log, note: log.checkpoint(), size: log.size(), prove, now: host.now, known: 0 }
}

/** What comes of a server that answers as it likes. */
async function answerOf(
  listener: (text: string) => RequestListener,
  more: Partial<WitnessQuestion> = {},
): Promise<WitnessAnswer> {
  const question = checkpointed()
  const text = noteParts(question.note)?.text ?? ''
  const url = await serving(listener(text))
  return askWitness({ url, verifier: VERIFIER }, { ...question, ...more })
}

/** A server that answers so much. */
function saying(status: number, body: string | Buffer, headers: Record<string, string> = {}) {
  return (): RequestListener => (_, response) => response.writeHead(status, headers).end(body)
}

test('a witness that is further behind, or was never asked, is led to the checkpoint', async () => {
  const question = checkpointed()
  const { url, verifier, asked } = await witness()

  const first = await askWitness({ url, verifier }, question)
  grow(question.log, 7)
  const next = { ...question, note: question.log.checkpoint() }
  const second = await askWitness({ url, verifier }, next)

  expect([first.is, second.is]).toEqual(['cosigned', 'cosigned'])
  expect(asked.map((body) => body.split('\n')[0])).toEqual([
    'old 0',
    'old 0',
    `old ${question.size}`,
  ])
})

test('of what it answers only the signature under its key is kept', async () => {
  const line = (text: string): string => W1.cosign(text, host.now())
  const answer = await answerOf((text) => (_, response) => {
    response.end(`${W2.cosign(text, host.now())}${line(text)}${W2.cosign(text, host.now())}`)
  })

  expect(answer).toMatchObject({ is: 'cosigned' })
  expect(answer.is === 'cosigned' && answer.line.split(' ')[1]).toBe(W1.name)
  expect(answer.is === 'cosigned' && answer.line.trimEnd().includes('\n')).toBe(false)
})

const FAILURES: readonly (readonly [string, (text: string) => RequestListener, RegExp])[] = [
  ['no line', saying(200, ''), /without its cosignature/],
  ['something else', saying(200, '<html>hello</html>'), /without its cosignature/],
  [
    'another key',
    (text) => (_, response) => response.end(W2.cosign(text, host.now())),
    /without its cosignature/,
  ],
  [
    'another key under its name',
    (text) => (_, response) => response.end(newCosigner(W1.name).cosign(text, host.now())),
    /without its cosignature/,
  ],
  [
    'a signature of another size',
    (text) => (_, response) => {
      response.end(W1.cosign(text.replace(/\n21\n/, '\n20\n'), host.now()))
    },
    /the cosignature of .* is wrong/,
  ],
  [
    'a time to come',
    (text) => (_, response) => response.end(W1.cosign(text, host.now() + 2 * HOUR_MS)),
    /off by more than an hour/,
  ],
  [
    'the beginning of time',
    (text) => (_, response) => response.end(W1.cosign(text, 0)),
    /off by more than an hour/,
  ],
  ['ten megabytes', saying(200, Buffer.alloc(10_000_000, 'x')), /too long/],
  ['a redirect', saying(307, '', { location: 'http://127.0.0.1:9/' }), /answers 307/],
  ['a fault', saying(500, 'oops'), /answers 500/],
  ['that it does not know the log', saying(404, ''), /404\): give it the verifier key/],
  ['that it does not know the key', saying(403, ''), /403\): give it the verifier key/],
  ['a conflict without a size', saying(409, 'never'), /409 without a size/],
  ['the size that it was told', saying(409, '0\n'), /contradicts itself/],
  [
    'a broken line',
    () => (_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('x')
      response.destroy()
    },
    /cannot be asked/,
  ],
]

test.each(FAILURES)('a witness that answers with %s has said nothing', async (_, answers, says) => {
  const answer = await answerOf(answers)

  expect(answer).toMatchObject({ is: 'failed', problem: expect.stringMatching(says) })
})

test('one that names another size each time is asked three times', async () => {
  let asked = 0
  const answer = await answerOf(() => (_, response) => {
    asked++
    response.writeHead(409).end(`${asked}\n`)
  })

  expect(answer).toMatchObject({ is: 'failed', problem: 'it names another size each time' })
  expect(asked).toBe(3)
})

test('one that does not answer, or does not end its answer, is left', async () => {
  const open: (() => void)[] = []
  const hang = (): RequestListener => () => {
    for (const over of open) over()
  }
  const halfway = (): RequestListener => (_, response) => {
    response.writeHead(200).write('\u2014 ', () => {
      for (const over of open) over()
    })
  }
  const later = (_: number, run: () => void): (() => void) => {
    open.splice(0, open.length, run)
    return () => {}
  }

  for (const listener of [hang, halfway]) {
    const answer = await answerOf(listener, { later })
    expect(answer).toMatchObject({ is: 'failed', problem: expect.stringContaining('within 10 s') })
  }
})

test('one that cannot be reached has said nothing, in one line', async () => {
  const question = checkpointed()
  const witnessed = { url: 'http://127.0.0.1:9', verifier: VERIFIER }

  const answer = await askWitness(witnessed, question)

  expect(answer).toMatchObject({
    is: 'failed',
    problem: expect.stringMatching(/^it cannot be asked: /),
  })
})

test.each([
  ['has seen more lines than there are', 409, '1000\n', /has seen 1000 lines, and there are 21/],
  ['finds that the log does not go on', 422, '', /does not go on from these/],
  ['has seen as many others', 409, '21\n', /has seen 21 lines, and they were others/],
])('a witness that %s refuses', async (_, status, body, says) => {
  expect(await answerOf(saying(status, body))).toMatchObject({
    is: 'refused',
    problem: expect.stringMatching(says),
  })
})
