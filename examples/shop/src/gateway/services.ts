import { type Request, type Response, Router } from 'express'
import { forwardable, relay } from '../relay.ts'

/**
 * Passes `/api/...` on to the services behind, untouched but for one thing: the gateway adds the
 * address of its own caller to `X-Forwarded-For`, as every proxy does. Their answers come back
 * whole, cookies included: each service verifies the session itself, and may change its secret.
 */
export function serviceRoutes(ports: {
  readonly catalogue: number
  readonly orders: number
}): Router {
  const router = Router()

  function passOn(port: number): (request: Request, response: Response) => void {
    return (request, response) => {
      const before = request.headers['x-forwarded-for']
      const peer = request.socket.remoteAddress ?? 'unknown'
      relay(request, response, {
        port,
        path: request.originalUrl,
        headers: {
          ...forwardable(request.headers),
          'x-forwarded-for': before === undefined ? peer : `${before}, ${peer}`,
        },
      })
    }
  }

  router.use('/api/catalogue', passOn(ports.catalogue))
  router.use('/api/orders', passOn(ports.orders))
  return router
}
