import { setImmediate as nextTurn } from 'node:timers/promises'
import { createSessions, newKeyring, type Sessions } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { expect, test } from 'vitest'
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

function get(url: string, cookie?: string): HttpFacts {
  const headers: Readonly<Record<string, string | undefined>> = { host: 'localhost', cookie }
  return { method: 'GET', url, peer: '192.0.2.1', encrypted: true, header: (name) => headers[name] }
}
