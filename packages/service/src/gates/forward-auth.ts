import type { Dialect } from './dialect.ts'
import { headerText, readForwarded } from './forwarded.ts'

/**
 * Traefik, Caddy, HAProxy: `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri`, `-For`. They pass an
 * answer on to the client as it is.
 */
export const forwardAuth: Dialect = {
  name: 'forward-auth',
  read({ header }) {
    return readForwarded(
      {
        method: headerText(header, 'x-forwarded-method'),
        proto: headerText(header, 'x-forwarded-proto'),
        host: headerText(header, 'x-forwarded-host'),
        url: headerText(header, 'x-forwarded-uri'),
        forwardedFor: headerText(header, 'x-forwarded-for'),
      },
      header,
    )
  },
}
