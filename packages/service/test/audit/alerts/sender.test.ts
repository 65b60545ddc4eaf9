import { join } from 'node:path'
import { expect, test } from 'vitest'
import { until } from '../../../../holdfast/test/support/until.ts'
import { alertOf } from '../../../src/audit/alerts/alert.ts'
import { jsonPost } from '../../../src/audit/alerts/http-post.ts'
import type { Delivery, Target } from '../../../src/audit/alerts/target.ts'
import { webhook } from '../../../src/audit/alerts/targets/webhook.ts'
import { openDatabase } from '../../../src/audit/database.ts'
import { folder } from '../../support.ts'
import { alertNumber, incident, outboxed, receiver, START, sending } from './support.ts'

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const now = (): number => START

function hook(url: string): Target {
  return webhook(jsonPost(url, { reach: { allowPrivate: true }, now }), { secrets: [SECRET], now })
}

/** A target that answers what it is told, and notes what comes. */
function told(answer: (count: number) => Delivery): Target & { readonly seen: string[] } {
  const seen: string[] = []
  return {
    seen,
    async deliver({ id }) {
      seen.push(id)
      return answer(seen.length)
    },
  }
}

test('an alert leaves when the transaction is over, and arrives once', async () => {
  const box = outboxed()
  const { next, received, url } = await receiver()
  sending(box, { soc: hook(url) })

  box.enqueue(alertNumber(1), ['soc'])
  const message = await next()
  await until('the delivery is noted', () => box.states()[0] === 'delivered')

  expect(message.headers['webhook-id']).toBe(alertNumber(1).id)
  expect(received).toHaveLength(1)
})

test('what waited before the start is sent, and what comes after the stop waits', async () => {
  const box = outboxed()
  const target = told(() => 'delivered')
  box.enqueue(alertNumber(1), ['ops'])

  const { sender } = sending(box, { ops: target })
  await until('the first is sent', () => box.states()[0] === 'delivered')
  await sender.stop()
  box.enqueue(alertNumber(2), ['ops'])
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

  expect(target.seen).toEqual([alertNumber(1).id])
  expect(box.states()).toEqual(['delivered', 'pending'])
})

test('what another process puts into the same outbox is sent without a wake-up', async () => {
  const path = join(folder(), 'desk.sqlite')
  const box = outboxed({ database: openDatabase(path) })
  const other = outboxed({ database: openDatabase(path) })
  const target = told(() => 'delivered')
  sending(box, { ops: target })
  box.enqueue(alertNumber(1), ['ops'])
  await until('the sender rests', () => box.states()[0] === 'delivered')

  other.enqueue(alertNumber(2), ['ops'])
  await until('it is sent, too', () => box.states()[1] === 'delivered')

  expect(target.seen).toEqual([alertNumber(1).id, alertNumber(2).id])
})

test('a receiver that answers 500 for an hour gets its alert then, once', async () => {
  const box = outboxed()
  const { received, url } = await receiver((response) => {
    response.writeHead(box.clock.now() < START + 3_600_000 ? 500 : 204).end()
  })
  const { sender } = sending(box, { soc: hook(url) })
  box.enqueue(alertNumber(1), ['soc'])

  for (let tries = 1; box.states()[0] !== 'delivered'; tries++) {
    const at = await until('the try is noted', () => {
      if (box.states()[0] === 'delivered') return START
      const { failed = 0 } = sender.state().soc ?? {}
      return failed >= tries && box.outbox.nextAt('soc')
    })
    box.clock.set(Math.max(at, box.clock.now()))
    sender.wake()
  }

  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect(sender.state().soc).toEqual({ delivered: 1, failed: received.length - 1, dead: 0 })
})

test('a receiver that hangs is left, is tried again, and holds up no other', async () => {
  const box = outboxed()
  const hanging = await receiver(() => {})
  const good = await receiver()
  const { sender, logged } = sending(
    box,
    { hangs: hook(hanging.url), soc: hook(good.url) },
    { timeoutMs: 50 },
  )

  box.enqueue(alertNumber(1), ['hangs', 'soc'])
  await good.next()
  await hanging.next()
  await until('the hanging one is given up for now', () => sender.state().hangs?.failed === 1)

  expect(box.view.show(alertNumber(1).id)?.deliveries).toMatchObject([
    { target: 'hangs', state: 'pending', problem: 'It did not answer in time.' },
    { target: 'soc', state: 'delivered' },
  ])
  expect(logged).toMatchObject([{ target: 'hangs', attempt: 1 }])
})

test('a target that ignores its signal, and one that throws, hold up nobody for good', async () => {
  const box = outboxed()
  const deaf: Target = { deliver: () => new Promise(() => {}) }
  const broken: Target = {
    async deliver() {
      throw new TypeError('a fault of ours')
    },
  }
  const { sender } = sending(box, { deaf, broken }, { timeoutMs: 20 })

  box.enqueue(alertNumber(1), ['deaf', 'broken'])
  await until('both have failed', () => {
    const { deaf, broken } = sender.state()
    return deaf?.failed === 1 && broken?.failed === 1
  })

  expect(box.states()).toEqual(['pending', 'pending'])
})

test('a receiver hears of the end of an incident only after its beginning', async () => {
  const box = outboxed()
  const order: string[] = []
  let failing = true
  const target: Target = {
    async deliver({ change }) {
      order.push(change)
      return failing ? { problem: 'It answered 500.' } : 'delivered'
    },
  }
  const { sender } = sending(box, { page: target })

  box.enqueue(alertOf(incident(), 'opened'), ['page'])
  box.enqueue(alertOf(incident({ state: 'resolved' }), 'resolved'), ['page'])
  await until('the first try has failed', () => sender.state().page?.failed === 1)
  failing = false
  box.clock.advance(10_000)
  sender.wake()
  await until('both are sent', () => sender.state().page?.delivered === 2)

  expect(order).toEqual(['opened', 'opened', 'resolved'])
})

test('a target gets no more than its rate, and the rest as one digest', async () => {
  const box = outboxed()
  const target = { ...told(() => 'delivered'), perMinute: 3 }
  const { sender } = sending(box, { ops: target })

  for (let at = 0; at < 50; at++) box.enqueue(alertNumber(at), ['ops'])
  await until('the rest is held', () => {
    const rows = box.database.all('SELECT 1 FROM alert_deliveries WHERE held = 1')
    return rows.length === 47
  })
  box.clock.advance(20_000)
  sender.wake()
  await until('the digest is sent', () => sender.state().ops?.delivered === 4)

  expect(target.seen).toHaveLength(4)
  expect(box.view.show(target.seen.at(-1) ?? '')).toMatchObject({ counts: { high: 47 } })
})

test('a dead alert is told in the log, without what was in it', async () => {
  const box = outboxed()
  const { sender, logged } = sending(box, { ops: told(() => ({ dead: 'It answered 410.' })) })

  box.enqueue(alertNumber(1), ['ops'])
  await until('it is dead', () => sender.state().ops?.dead === 1)

  expect(logged).toEqual([
    { target: 'ops', alert: alertNumber(1).id, attempt: 1, problem: 'It answered 410.' },
  ])
})

test('a database that fails for one target is asked again, and the others go on', async () => {
  const box = outboxed()
  const target = told(() => 'delivered')
  let failing = true
  const outbox = {
    ...box.outbox,
    claim: (name: string) => {
      if (failing && name === 'ops') throw new Error('database or disk is full')
      return box.outbox.claim(name)
    },
  }
  const other = told(() => 'delivered')
  const { sender, logged } = sending({ ...box, outbox }, { ops: target, other })

  box.enqueue(alertNumber(1), ['ops', 'other'])
  await until('the fault is told', () => logged.length > 0 && other.seen.length === 1)
  failing = false
  sender.wake()
  await until('the alert is sent', () => target.seen.length === 1)

  expect(box.states()).toEqual(['delivered', 'delivered'])
})
