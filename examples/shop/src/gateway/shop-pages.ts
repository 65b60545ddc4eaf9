import { type Request, Router } from 'express'
import { basketPage, ordersPage, productPage, shopPage } from '../pages/catalogue.ts'
import { document, type Page } from '../pages/layout.ts'
import { type GatewayParts, placeOf, visitorOf } from './parts.ts'

/** The shop's own pages: frames that scripts fill from the services. */
export function shopRoutes(parts: GatewayParts): Router {
  const { requireSession } = parts.guard
  const router = Router()

  function page(request: Request, content: Pick<Page, 'title' | 'scripts' | 'body'>): string {
    return document({
      ...content,
      path: request.path,
      visitor: visitorOf(parts, request),
      place: placeOf(parts, request),
    })
  }

  router.get('/', requireSession(), (request, response) => {
    const { name } = visitorOf(parts, request)
    response.send(page(request, { title: 'Shop', scripts: ['shop.js'], body: shopPage(name) }))
  })

  router.get('/products/:id', requireSession(), (request, response) => {
    const body = productPage(String(request.params.id))
    response.send(page(request, { title: 'Product', scripts: ['product.js'], body }))
  })

  router.get('/basket', requireSession(), (request, response) => {
    response.send(page(request, { title: 'Basket', scripts: ['basket.js'], body: basketPage() }))
  })

  router.get('/orders', requireSession(), (request, response) => {
    response.send(page(request, { title: 'Orders', scripts: ['orders.js'], body: ordersPage() }))
  })

  return router
}
