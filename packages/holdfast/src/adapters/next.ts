/// <reference path="./next-modules.d.ts" />
import { checked } from '../core/options.ts'
import type { Sessions } from '../core/sessions.ts'
import { adapterOptions, type GuardOptions } from './guard/options.ts'
import { type NextHoldfast, type NextRuntime, nextHoldfast } from './next-api.ts'

export {
  type Attachable,
  accessGuard,
  type FetchAccessGuard,
  type FetchHoldfast,
  type FetchMiddleware,
  type FetchSession,
} from './fetch.ts'
export {
  type NextHoldfast,
  type NextPages,
  PageRefused,
  type PageRequirements,
} from './next-api.ts'
export * from './public.ts'

/** What all adapters take. Name in `address` what stands before Next, which hides its peers. */
export interface NextOptions extends GuardOptions {}

const OPTIONS = adapterOptions<NextOptions>({})

/**
 * Next 16 or newer. Calls that are handed a `Request` are those of `holdfast/fetch`, for route
 * handlers. The same calls without one are for server components, which only read, and for server
 * actions, where they set the cookies by themselves.
 *
 * @example
 * export const hf = holdfast(sessions, {
 *   loginPage: '/login',
 *   address: { trust: { proxies: ['127.0.0.0/8'] } },
 * })
 * // proxy.ts
 * export default hf.proxy()
 * // app/account/page.tsx
 * const { subject } = await hf.sessionOf({ returnTo: '/account' })
 */
export function holdfast(sessions: Sessions, options: NextOptions = {}): NextHoldfast {
  checked(OPTIONS, options)
  return nextHoldfast(sessions, options, RUNTIME)
}

/** Asked for when it is needed: a module that is imported elsewhere needs no Next. */
const RUNTIME: NextRuntime = {
  headers: async () => (await import('next/headers.js')).headers(),
  cookies: async () => (await import('next/headers.js')).cookies(),
  redirect: async (path) => (await import('next/navigation.js')).redirect(path),
  goOn: async () => (await import('next/server.js')).NextResponse.next(),
}
