import { expect, test } from 'vitest'
import { eventLog } from '../../src/maintenance/event-log.ts'
import { harness, inMemory } from '../support/harness.ts'

test('who watches is told where an event does not open, and nobody else is', async () => {
  const h = await harness(inMemory)
  const warned: string[] = []
  const log = eventLog({ ...h, onWarning: (message) => warned.push(message) })
  const head = await log.head()
  const lost = { id: 'A'.repeat(22), at: h.host.now(), sealed: Buffer.from('not sealed by us') }
  await h.store.feed.append(lost.id, [lost])
  await h.store.feed.append(lost.id, [{ ...lost, id: 'B'.repeat(22) }])
  await h.login()
  const stop = new AbortController()

  const found: unknown[] = []
  for await (const one of log.watch(head, stop.signal, 1_000)) {
    if (one.kind === 'heartbeat') continue
    found.push(one)
    if (found.length === 3) stop.abort()
  }
  const page = await log.read(undefined, 10)

  expect(found).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: 'unreadable', id: lost.id, partition: 0, sequence: 1 }),
      expect.objectContaining({ kind: 'unreadable', id: 'B'.repeat(22), sequence: 2 }),
      expect.objectContaining({ kind: 'event' }),
    ]),
  )
  expect(page).toMatchObject({ items: [{ type: 'session-established' }], unreadable: 2 })
  expect(warned).toEqual([expect.stringContaining('do not open')])
})
