import { type ClientFacts, RELEVANT_HEADERS, type RequestFacts } from '../core/request.ts'
import { clientFactsOf, parseClientFacts } from './client-facts.ts'
import type { HttpFacts } from './http-facts.ts'

/** Reduces a request to what signals may look at. `posted`: client facts that came as a form field; they are the newer ones. */
export function requestFacts(
  facts: HttpFacts,
  { ip, posted }: { readonly ip: string | null; readonly posted?: string | undefined },
): RequestFacts {
  const headers: Record<string, string | readonly string[]> = {}
  for (const name of RELEVANT_HEADERS) {
    const value = facts.header(name)
    if (value !== undefined) headers[name] = value
  }
  const client: ClientFacts | undefined =
    (posted === undefined ? undefined : parseClientFacts(posted)) ?? clientFactsOf(facts)
  return {
    ip,
    method: facts.method,
    url: facts.url,
    headers,
    ...(client === undefined ? {} : { client }),
  }
}
