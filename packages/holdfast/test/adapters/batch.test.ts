import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  createSessions,
  newKeyring,
  type Presented,
  type Sessions,
  type Verification,
} from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { expect, onTestFinished, test } from 'vitest'
import { batchQueue } from '../../src/adapters/guard/batch.ts'
import { guard } from '../../src/adapters/guard/guard.ts'
import type { HttpFacts } from '../../src/adapters/guard/http-request.ts'

test('requests of one turn of the event loop are verified back to back at its end', async () => {
  const verified: string[] = []
  const engine = createSessions({ store: memoryStore(), keyring: newKeyring() })
  const verify: Sessions['verify'] = (presented) => {
    verified.push(presented.request.url)
    return engine.verify(presented)
  }
  const { login, require } = guard({ ...engine, verify })
  const started = await login(get('/login'), { subject: 'ada', amr: ['pwd'] })
  const line = started.ok
    ? started.headers().find(([name]) => name === 'set-cookie')?.[1]
    : undefined
  const required = require()

  const first = required(get('/first', line?.split(';', 1)[0]))
  await Promise.resolve()
  const second = required(get('/second', line?.split(';', 1)[0]))
  await Promise.resolve()
  verified.push('end of the turn')
  await nextTurn()
  const after = [...verified]

  expect(after).toEqual(['end of the turn', '/first', '/second'])
  expect([(await first).ok, (await second).ok]).toEqual([true, true])
})

test('all requests of a turn are judged before the first is answered, in their order', async () => {
  const { required, cookie, done } = await withLocalCopies()

  for (const url of ['/first', '/second', '/third']) {
    required.settle(
      get(url, cookie),
      ({ ok }) => done.push(`${ok ? 'passes' : 'refused'} ${url}`),
      () => done.push(`failed ${url}`),
    )
  }
  await nextTurn()

  expect(done).toEqual([
    'judged /first',
    'judged /second',
    'judged /third',
    'passes /first',
    'passes /second',
    'passes /third',
  ])
})

test('a request alone in its turn is answered at the end of that turn', async () => {
  const { required, cookie, done } = await withLocalCopies()

  required.settle(
    get('/only', cookie),
    ({ ok }) => done.push(`${ok}`),
    () => done.push('failed'),
  )
  await nextTurn()

  expect(done).toEqual(['judged /only', 'true'])
})

test('a request whose judging throws fails alone', async () => {
  const { required, cookie, done } = await withLocalCopies({ throwsAt: '/broken' })

  for (const url of ['/first', '/broken', '/last']) {
    required.settle(
      get(url, cookie),
      ({ ok }) => done.push(`${ok} ${url}`),
      (error) => done.push(`${(error as Error).cause} ${url}`),
    )
  }
  await nextTurn()

  expect(done.filter((what) => !what.startsWith('judged')).sort()).toEqual([
    'Error: a bug /broken',
    'true /first',
    'true /last',
  ])
})

test('what a step throws is thrown on its own, and the rest of the batch goes on', async () => {
  const thrown: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => thrown.push(error))
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  })
  const answered: string[] = []
  const enqueue = batchQueue<string, string>({
    judge(item) {
      if (item === 'unjudged') throw 'from judging'
      return `judged ${item}`
    },
    answer(item, judged) {
      if (item === 'unanswered') throw 'from answering'
      answered.push(judged)
    },
  })

  for (const item of ['a', 'unjudged', 'b', 'unanswered', 'c']) enqueue(item)
  await nextTurn()
  await nextTurn()
  await nextTurn()

  expect(answered).toEqual(['judged a', 'judged b', 'judged c'])
  expect(thrown).toEqual(['from judging', 'from answering'])
})

/** A guard whose engine answers at once, and what became of its requests, in order. */
async function withLocalCopies({ throwsAt }: { readonly throwsAt?: string } = {}) {
  const done: string[] = []
  const engine = createSessions({ store: memoryStore(), keyring: newKeyring() })
  const started = await guard(engine).login(get('/login'), { subject: 'ada', amr: ['pwd'] })
  const line = started.ok
    ? started.headers().find(([name]) => name === 'set-cookie')?.[1]
    : undefined
  const cookie = line?.split(';', 1)[0]
  let known: Verification | undefined
  const verify = async (presented: Presented): Promise<Verification> => engine.verify(presented)
  const now = (presented: Presented): Verification | undefined => {
    const { url } = presented.request
    if (url === throwsAt) throw new Error('a bug')
    if (known !== undefined) done.push(`judged ${url}`)
    return known
  }
  const sessions: Sessions = { ...engine, verify: Object.assign(verify, { now }) }
  const required = guard(sessions).require()
  const token = cookie?.slice(cookie.indexOf('=') + 1) ?? ''
  known = await engine.verify({ token, request: guard(engine).requestFacts(get('/', cookie)) })
  return { required, cookie, done }
}

function get(url: string, cookie?: string): HttpFacts {
  const headers: Readonly<Record<string, string | undefined>> = { host: 'localhost', cookie }
  return { method: 'GET', url, peer: '192.0.2.1', encrypted: true, header: (name) => headers[name] }
}
