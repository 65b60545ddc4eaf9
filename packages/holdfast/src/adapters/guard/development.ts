import type { Carrier } from '../../carriers/carrier.ts'
import { classifyUserAgent } from '../../core/user-agent.ts'
import { CLIENT_HEADERS } from '../../network/forwarding.ts'
import { isLoopbackAddress, isLoopbackHost } from '../../network/loopback.ts'
import { type HttpFacts, single } from './http-request.ts'

/**
 * Whether a request comes from a browser on this very machine that keeps no `Secure` cookies here:
 * Safari, over plain HTTP, to a loopback host, from a loopback address, past no proxy. A `Host` is
 * the client's claim and decides nothing by itself.
 *
 * - `read`: nothing the request says speaks of another host.
 * - `issue`: its `Origin` or `Referer` also names a loopback host. A proxy on this machine may pass
 *   requests of the internet on as if they were its own; these name the public host.
 *
 * False wherever `NODE_ENV` is `production`.
 */
export function isPlainDevelopment(
  facts: HttpFacts,
  { host, https }: { readonly host: string | undefined; readonly https: boolean | null },
  purpose: 'read' | 'issue',
): boolean {
  if (facts.encrypted || https !== null || inProduction()) return false
  if (!isLoopbackAddress(facts.peer) || !isLoopbackHost(host ?? '')) return false
  if (PASSED_ON.some((name) => facts.header(name) !== undefined)) return false
  if (!dropsSecureCookies(single(facts, 'user-agent') ?? '')) return false
  const named = ['origin', 'referer'].flatMap((name) => facts.header(name) ?? [])
  return named.every(isLoopbackPage) && (purpose === 'read' || named.length > 0)
}

/** The carriers that stand in for these in development. */
export function plainOnes(carriers: readonly Carrier[]): readonly Carrier[] {
  return carriers.flatMap(({ plain }) => plain ?? [])
}

const PASSED_ON = [...CLIENT_HEADERS, 'x-forwarded-proto', 'x-forwarded-host', 'via']

/** All browsers of iOS are Safari's engine. */
function dropsSecureCookies(userAgent: string): boolean {
  const { family, os } = classifyUserAgent(userAgent)
  return family === 'safari' || (os === 'ios' && family !== 'unknown' && family !== 'automation')
}

function isLoopbackPage(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, host } = new URL(url)
  return protocol === 'http:' && isLoopbackHost(host)
}

function inProduction(): boolean {
  const { process }: { readonly process?: Partial<typeof globalThis.process> } = globalThis
  return process?.env?.NODE_ENV === 'production'
}
