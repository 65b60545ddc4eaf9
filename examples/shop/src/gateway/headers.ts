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
 * copy. Over HTTPS browsers are told to come by nothing else (HSTS); they ignore that over HTTP.
 */
export function securityHeaders(origin: string): RequestHandler {
  const https = origin.startsWith('https:')
  return (request, response, next) => {
    response.set(HEADERS)
    if (https) response.set('strict-transport-security', 'max-age=31536000; includeSubDomains')
    if (!request.path.startsWith('/static/')) response.set('cache-control', 'no-store')
    next()
  }
}
