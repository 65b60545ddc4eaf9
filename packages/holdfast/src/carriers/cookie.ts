import { SessionError } from '../core/errors.ts'
import { flag, oneOf, withDefault, words } from '../core/option-kinds.ts'
import { checked, type OptionsOf, type OptionTable } from '../core/options.ts'
import type { HeaderLookup } from '../core/request.ts'
import { TOKEN_LENGTH, TOKEN_PREFIX } from '../core/token.ts'
import type { Carried, Carrier, DeliveredLifetime } from './carrier.ts'
import { SESSION_COOKIE } from './names.ts'
import { scanCookies } from './scan-cookies.ts'

/** How the session cookie is named and guarded. */
export interface CookieOptions {
  /** Starts with `__Host-` (default `__Host-session`), or `__Secure-`; at most 64 characters. */
  readonly name?: string
  /**
   * Default `lax`. With `strict`, browsers do not send the session when a link of another site
   * leads here. `none` is for pages that other sites embed.
   */
  readonly sameSite?: 'lax' | 'strict' | 'none'
  /**
   * Browsers send the cookie to this path and those below it. Default `/`, the only path that a
   * `__Host-` name may have.
   */
  readonly path?: string
  /**
   * `Partitioned` (CHIPS): a page that other sites embed has a session of its own for each of them.
   * Needs `sameSite: 'none'`. Default false.
   */
  readonly partitioned?: boolean
}

const ALWAYS = 'cookies of sessions always have it; leave it out'
const BY_CLASS =
  'the class of a session says how long its cookie lives: login(..., { class: "remember" })'

/** The options of `cookie()`. */
export const COOKIE_OPTIONS = {
  of: 'cookie()',
  fields: {
    name: withDefault(words('the name of a cookie'), SESSION_COOKIE),
    sameSite: withDefault(oneOf(['lax', 'strict', 'none']), 'lax'),
    path: withDefault(words('an absolute path'), '/'),
    partitioned: withDefault(flag, false),
  } satisfies OptionsOf<CookieOptions>,
  aliases: {
    cookieName: 'name',
    key: 'name',
    secure: ALWAYS,
    httpOnly: ALWAYS,
    maxAge: BY_CLASS,
    expires: BY_CLASS,
    domain: 'a cookie that other hosts get is one that they can set',
  },
} satisfies OptionTable

/** A carrier whose answers can carry a token. */
export interface CookieCarrier extends Carrier {
  readonly name: string
  deliver(token: string, lifetime: DeliveredLifetime): string
  clear(): string
}

/** Node refuses longer headers by default. This limit holds where Node's was raised. */
const MAX_HEADER = 16_384

/** Browsers keep no cookie longer (RFC 6265bis). */
const MAX_AGE_S = 400 * 24 * 3600

const NAME = /^__(?:Host|Secure)-[\w-]{1,56}$/

/** A path of RFC 3986, without the semicolon, which ends an attribute of a cookie. */
const PATH = /^\/[\w.~!$&'()*+,=:@%/-]*$/
const MAX_PATH = 256

/**
 * The session cookie: `__Host-` name, Secure, HttpOnly, SameSite, `Path=/`, no Domain (ASVS 3.3.1
 * to
 * 3.3.5). A request with two cookies of the name is refused. So is a cookie header above 16 KiB,
 * and a value that is longer than a token.
 *
 * Safari keeps no `Secure` cookies over plain HTTP, on `localhost` neither. For development there,
 * and nowhere else, a cookie without `Secure` and without the prefix stands in.
 *
 * Throws `config_invalid` for a name or path that browsers would not guard.
 *
 * @example
 * const carrier = cookie({ sameSite: 'strict' })
 * carrier.deliver(token, { persistent: false, expiresAt: session.expiresAt, now: Date.now() })
 */
export function cookie(options: CookieOptions = {}): CookieCarrier {
  const { name, sameSite, path } = checked(COOKIE_OPTIONS, options)
  const kept = `Path=${path}; HttpOnly; SameSite=${sameSite === 'strict' ? 'Strict' : 'Lax'}`
  const plain = tokensAlone(named(name.replace(PREFIX, ''), kept))
  return { ...guardedCookie(options), plain }
}

/** The same without a stand-in for development: for whoever answers other machines alone. */
export function guardedCookie(options: CookieOptions): CookieCarrier {
  const { name, sameSite, path, partitioned } = checked(COOKIE_OPTIONS, options)
  if (!NAME.test(name)) {
    throw misconfigured(
      'name',
      'must start with __Host- or __Secure- and go on with letters, digits, - or _',
    )
  }
  const confined = path.length <= MAX_PATH && PATH.test(path)
  if (!confined || (path !== '/' && name.startsWith('__Host-'))) {
    throw misconfigured(
      'path',
      'must be an absolute path, and / for a name that starts with __Host-',
    )
  }
  if (partitioned && sameSite !== 'none') {
    throw misconfigured('partitioned', "needs sameSite: 'none'")
  }
  const guarded = `Path=${path}; Secure; HttpOnly; SameSite=${SAME_SITE[sameSite]}`
  return named(name, partitioned ? `${guarded}; Partitioned` : guarded)
}

const PREFIX = /^__(?:Host|Secure)-/

function named(name: string, attributes: string): CookieCarrier {
  return {
    name,
    ambient: true,

    read(header: HeaderLookup): Carried {
      const lines = header('cookie')
      if (lines === undefined) return MISSING
      const text = typeof lines === 'string' ? lines : lines.join('; ')
      if (text.length > MAX_HEADER) return { ok: false, code: 'headers_too_large' }
      const [token, another] = scanCookies(text, name)
      if (another !== undefined) return { ok: false, code: 'token_duplicated' }
      if (token === undefined || token === '') return MISSING
      if (token.length > TOKEN_LENGTH) return { ok: false, code: 'token_malformed' }
      return { ok: true, token }
    },

    deliver(token, { persistent, expiresAt, now }) {
      const left = Math.max(0, Math.floor((expiresAt - now) / 1000))
      const age = persistent ? `; Max-Age=${Math.min(left, MAX_AGE_S)}` : ''
      return `${name}=${token}; ${attributes}${age}`
    },

    clear() {
      return `${name}=; ${attributes}; Max-Age=0`
    },
  }
}

/** Anything on this machine may have a cookie with a name that has no prefix. */
function tokensAlone(carrier: CookieCarrier): CookieCarrier {
  return {
    ...carrier,
    read(header) {
      const carried = carrier.read(header)
      const foreign = carried.ok
        ? !carried.token.startsWith(TOKEN_PREFIX)
        : carried.code === 'token_malformed'
      return foreign ? MISSING : carried
    },
  }
}

const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None' } as const

const MISSING = { ok: false, code: 'token_missing' } as const

function misconfigured(option: string, problem: string): SessionError {
  return new SessionError('config_invalid', `cookie.${option} ${problem}.`)
}
