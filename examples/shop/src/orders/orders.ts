import type { Sessions } from 'holdfast'
import { holdfast } from 'holdfast/hono'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { BEHIND_OWN_HOPS } from '../trusted-hops.ts'
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
export function orders(sessions: Sessions, now: () => number): Hono {
  const app = new Hono()
  const { requireSession } = holdfast(sessions, BEHIND_OWN_HOPS)
  const byBuyer = new Map<string, readonly Order[]>()
  let count = 0

  app.get('/api/orders', requireSession(), (c) =>
    c.json({ orders: byBuyer.get(c.get('session').subject) ?? [] }),
  )

  app.post(
    '/api/orders',
    bodyLimit({ maxSize: MAX_BODY_BYTES }),
    requireSession({ sensitivity: 'sensitive' }),
    async (c) => {
      const lines = readOrder(await c.req.json().catch(() => undefined))
      if (typeof lines === 'string') return c.json({ title: lines, status: 400 }, 400)
      count++
      const order = {
        id: count,
        at: now(),
        lines,
        cents: lines.reduce((sum, line) => sum + line.cents, 0),
      }
      const buyer = c.get('session').subject
      byBuyer.set(buyer, [order, ...(byBuyer.get(buyer) ?? [])].slice(0, MOST_ORDERS))
      return c.json(order, 201)
    },
  )

  return app
}
