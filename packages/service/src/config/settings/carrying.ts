import { REFRESH_COOKIE, REFRESH_PATH, SESSION_COOKIE } from 'holdfast/gateway'
import { z } from 'zod'
import { setting } from '../setting.ts'
import { audience, audienceName, issuer, path, tokenLifetime, word } from '../values.ts'

/** Cookies and tokens. */
export const carrying = {
  cookieName: setting(
    z
      .string()
      .regex(
        /^__(?:Host|Secure)-[\w-]{1,56}$/,
        'must start with __Host- or __Secure- and go on with letters, digits, "-" or "_"',
      )
      .default(SESSION_COOKIE),
    {
      about:
        'Name of the session cookie in answers. The `__Host-` prefix keeps other hosts from ' +
        'setting it.',
      example: SESSION_COOKIE,
      reading: 'text',
    },
  ),
  cookieSameSite: setting(z.enum(['lax', 'strict', 'none']).default('lax'), {
    about:
      '`SameSite` of the session cookie. `none` is for pages that other sites embed, and holds ' +
      'for the refresh cookie, too, which is `Strict` otherwise.',
    example: 'lax',
    reading: 'text',
  }),
  cookiePartitioned: setting(z.boolean().default(false), {
    about:
      '`Partitioned` cookies (CHIPS): a page that other sites embed has a session of its own for ' +
      'each of them. Needs `cookieSameSite: none`.',
    example: 'false',
    reading: 'yaml',
  }),
  audiences: setting(
    z
      .record(audienceName, audience)
      .refine((all) => Object.keys(all).length <= 64, 'must not name more than 64')
      .default({}),
    {
      about:
        'Services that access tokens are issued for, by name; the first stands in where a ' +
        'refresh names none. `algorithm`: `EdDSA` unless said otherwise, `ES256` or `RS256`; ' +
        '`lifetime` as in `accessTokenLifetime`. None, and so no access tokens, unless set.',
      example: '{ orders: {}, billing: { algorithm: ES256, lifetime: 60s } }',
      reading: 'yaml',
    },
  ),
  issuer: setting(issuer.optional(), {
    about:
      'URL of this authority as verifiers know it: `iss` of access tokens. The address of ' +
      '`listen` unless set, which suits one machine alone.',
    example: 'https://auth.example.com',
    reading: 'text',
  }),
  clientId: setting(word.default('holdfast'), {
    about: '`client_id` of access tokens: for whom the sessions are kept.',
    example: 'holdfast',
    reading: 'text',
  }),
  accessTokenLifetime: setting(tokenLifetime.default(90_000), {
    about: 'How long an access token lives, `10s` to `120s`; never longer than its session.',
    example: '90s',
    reading: 'text',
  }),
  signingKeys: setting(z.string().min(1).optional(), {
    about:
      'File of the keys that sign access tokens (`holdfast keys new FILE --signing` makes ' +
      'one). Without it, where there are `audiences`, a development file is made beside an ' +
      'LMDB store, or keys in memory; Redis demands one.',
    example: '/etc/holdfast/signing-keys.json',
    reading: 'text',
  }),
  refreshCookieName: setting(
    z
      .string()
      .regex(
        /^__Secure-[\w-]{1,56}$/,
        'must start with __Secure- and go on with letters, digits, "-" or "_"',
      )
      .default(REFRESH_COOKIE),
    {
      about:
        'Name of the refresh cookie in answers. It goes to `refreshPath` alone, so it cannot ' +
        'have the `__Host-` prefix.',
      example: REFRESH_COOKIE,
      reading: 'text',
    },
  ),
  refreshPath: setting(path.default(REFRESH_PATH), {
    about:
      'Where the application takes refresh tokens, as the browser sees it: the refresh ' +
      "cookie's `Path`.",
    example: REFRESH_PATH,
    reading: 'text',
  }),
}
