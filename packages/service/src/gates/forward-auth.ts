import type { Dialect } from './dialect.ts'
import { readWords, word } from './said.ts'

/** Traefik, Caddy, HAProxy: `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri`, `-For`; an answer goes to the client as it is. */
export const forwardAuth: Dialect = {
  name: 'forward-auth',
  read({ header }) {
    return readWords(
      {
        method: word(header, 'x-forwarded-method'),
        proto: word(header, 'x-forwarded-proto'),
        host: word(header, 'x-forwarded-host'),
        url: word(header, 'x-forwarded-uri'),
        forwardedFor: word(header, 'x-forwarded-for'),
      },
      header,
    )
  },
}
