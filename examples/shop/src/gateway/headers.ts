import type { RequestHandler } from 'express'

const HEADERS = {
  // No inline script, no inline style, nothing from elsewhere (CSP Level 3).
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " +
    "'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
}

/**
 * What every answer of the gateway says to browsers. Pages hold one person's data: nobody keeps a
 * copy.
 */
export function securityHeaders(): RequestHandler {
  return (request, response, next) => {
    response.set(HEADERS)
    if (!request.path.startsWith('/static/')) response.set('cache-control', 'no-store')
    next()
  }
}
