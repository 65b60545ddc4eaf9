import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { OrderGuards } from '../service-guards.ts'
import { type OrderLine, readOrder } from './order-form.ts'

export interface Order {
  readonly id: number
  readonly at: number
  readonly lines: readonly OrderLine[]
  readonly cents: number
}

const MAX_BODY_BYTES = 8 * 1024
const MOST_ORDERS = 50

/** The orders service. Reading is a normal route; ordering is `sensitive`. */
export function orders({ reading, ordering, buyerOf }: OrderGuards, now: () => number): Hono {
  const app = new Hono()
  const byBuyer = new Map<string, readonly Order[]>()
  let count = 0

  app.get('/api/orders', reading, (c) => c.json({ orders: byBuyer.get(buyerOf(c)) ?? [] }))

  app.post('/api/orders', bodyLimit({ maxSize: MAX_BODY_BYTES }), ordering, async (c) => {
    const lines = readOrder(await c.req.json().catch(() => undefined))
    if (typeof lines === 'string') return c.json({ title: lines, status: 400 }, 400)
    count++
    const order = {
      id: count,
      at: now(),
      lines,
      cents: lines.reduce((sum, line) => sum + line.cents, 0),
    }
    const buyer = buyerOf(c)
    byBuyer.set(buyer, [order, ...(byBuyer.get(buyer) ?? [])].slice(0, MOST_ORDERS))
    return c.json(order, 201)
  })

  return app
}
