import { type FastifyInstance, fastify } from 'fastify'
import type { ServiceGuards } from '../service-guards.ts'
import { findProduct, PRODUCTS } from './products.ts'

/** The catalogue service. It trusts no gateway about who somebody is: it verifies for itself. */
export function catalogue(guarded: ServiceGuards['catalogue']): FastifyInstance {
  const app = fastify()

  app.get('/api/catalogue/products', guarded, async () => ({
    products: PRODUCTS,
  }))

  app.get<{ Params: { id: string } }>(
    '/api/catalogue/products/:id',
    guarded,
    async (request, reply) => {
      const product = findProduct(request.params.id)
      return product ?? reply.code(404).send({ title: 'No such product.', status: 404 })
    },
  )

  return app
}
