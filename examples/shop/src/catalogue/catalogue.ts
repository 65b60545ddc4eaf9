import { type FastifyInstance, fastify } from 'fastify'
import type { Sessions } from 'holdfast'
import { holdfast } from 'holdfast/fastify'
import { BEHIND_OWN_HOPS } from '../trusted-hops.ts'
import { findProduct, PRODUCTS } from './products.ts'

/** The catalogue service. It trusts no gateway about who somebody is: it verifies the session itself. */
export function catalogue(sessions: Sessions): FastifyInstance {
  const app = fastify()
  const { requireSession } = holdfast(sessions, BEHIND_OWN_HOPS)

  app.get('/api/catalogue/products', { preHandler: requireSession() }, async () => ({
    products: PRODUCTS,
  }))

  app.get<{ Params: { id: string } }>(
    '/api/catalogue/products/:id',
    { preHandler: requireSession() },
    async (request, reply) => {
      const product = findProduct(request.params.id)
      return product ?? reply.code(404).send({ title: 'No such product.', status: 404 })
    },
  )

  return app
}
