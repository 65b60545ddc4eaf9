import { isIP } from 'node:net'
import { isOrigin } from 'holdfast/gateway'
import { parseDuration } from 'holdfast/wire'
import { z } from 'zod'
import { ROLES } from './api-keys.ts'
import { parseDatabaseAddress } from './database-address.ts'
import { parseSize } from './size.ts'
import { parseStoreAddress } from './store-address.ts'

/** How the values of settings are written, and what becomes of them. */

/** Words such as `90s` or `2h`, as milliseconds. */
export const duration = z.string().transform(msOf)

/** As {@link duration}, and `0s` for no time at all. */
export const pause = z
  .string()
  .transform((words, context) => (words === '0s' ? 0 : msOf(words, context)))

/** Words such as `64MB`, as bytes. */
export const size = z.string().transform((words, context) => {
  const bytes = parseSize(words)
  if (bytes !== undefined) return bytes
  context.addIssue({ code: 'custom', message: 'is not a size' })
  return z.NEVER
})

/** An absolute path, as the attribute of a cookie may have it. */
export const path = z
  .string()
  .max(256)
  .regex(
    /^\/[\w.~!$&'()*+,=:@%/-]*$/,
    'must be an absolute path, such as /refresh, without query or fragment',
  )

/** `host:port`; an IPv6 host in brackets. Port 0 takes a free one. */
export const listen = z.string().transform(hostPort)

/** As {@link listen}, `unix:/path` for a socket, or `off`. */
export const listenAnywhere = z.string().transform((text, context): Listen | 'off' => {
  if (text === 'off') return text
  if (!text.startsWith('unix:')) return hostPort(text, context)
  const path = text.slice('unix:'.length)
  // A socket's path has 108 bytes on Linux, one of them the end.
  if (path.startsWith('/') && Buffer.byteLength(path) <= 107) return { path }
  context.addIssue({ code: 'custom', message: 'is no absolute path of at most 107 bytes' })
  return z.NEVER
})

function hostPort(text: string, context: z.RefinementCtx): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  const good = match?.[1] === undefined || isIP(match[1]) === 6
  if (host !== undefined && good && port <= 65_535) return { host, port }
  context.addIssue({ code: 'custom', message: 'is not host:port' })
  return z.NEVER
}

/** Where something listens. */
export type Listen = { readonly host: string; readonly port: number } | { readonly path: string }

/** `https://shop.example`: scheme, host and port. */
export const origin = z
  .string()
  .max(256)
  .refine(
    isOrigin,
    'must be an origin, as in https://shop.example, or capacitor://localhost of an application',
  )

/** An absolute URL, or a path of the site itself. */
export const page = z
  .string()
  .max(1_024)
  .refine(
    (text) =>
      URL.canParse(text, 'https://localhost') &&
      /^(?:https?:\/\/[^@]+|\/(?!\/)[^#\\]*)$/i.test(text) &&
      !text.includes('#'),
    'must be an http or https URL, or a path as in /login',
  )

/** Which store, and where it is. What is wrong with an address has a mend of its own. */
export const store = z.string().transform((text, context) => {
  const read = parseStoreAddress(text)
  if (!('problem' in read)) return read
  context.addIssue({ code: 'custom', message: read.problem, params: { fix: read.fix } })
  return z.NEVER
})

/** Which PostgreSQL. */
export const database = z.string().transform((text, context) => {
  const read = parseDatabaseAddress(text)
  if (!('problem' in read)) return read
  context.addIssue({ code: 'custom', message: read.problem, params: { fix: read.fix } })
  return z.NEVER
})

/** A name of the configuration's own: of a class or a caller. */
export const word = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'must be a short word of letters, digits, ".", "_" and "-"',
  )

/** Of access tokens: `10s` to `120s`. */
export const tokenLifetime = duration.refine(
  (ms) => ms >= 10_000 && ms <= 120_000,
  'must be 10s to 120s',
)

/** As verifiers have it, character by character. */
export const issuer = z
  .url({ protocol: /^https?$/, message: 'must be an http or https URL' })
  .max(256)
  .refine((text) => !/[?#@]/.test(text), 'must be without credentials, query and fragment')

/** Whom access tokens are for: a name or a URL. */
export const audienceName = z
  .string()
  .regex(/^[A-Za-z][\x21-\x7e]{0,127}$/, 'must begin with a letter and have no spaces')

/** What an audience has otherwise than all. */
export const audience = z
  .strictObject({
    algorithm: z.enum(['EdDSA', 'ES256', 'RS256']).optional(),
    lifetime: tokenLifetime.optional(),
  })
  .nullable()
  .transform((own) => own ?? {})

/** Of a class; what is left out comes from elsewhere. */
export const lifetime = z.strictObject({
  absolute: duration.optional(),
  idle: duration.optional(),
  persistent: z.boolean().optional(),
})

/** As the file has it: the digest, never the secret. */
export const apiKey = z.strictObject({
  name: word,
  roles: z.array(z.enum(ROLES)).min(1),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits'),
  audiences: z.array(audienceName).min(1).max(64).optional(),
})

function msOf(words: string, context: z.RefinementCtx): number {
  const ms = parseDuration(words)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: 'is not a duration' })
  return z.NEVER
}
