import { type ClientFacts, RELEVANT_HEADERS, type RequestFacts } from '../../core/request.ts'
import { clientFactsReader, parseClientFacts } from './client-facts.ts'
import type { HttpFacts } from './http-request.ts'

/** Reduces a request to what signals may look at. `posted`: client facts that came as a form field; they are the newer ones. */
export type Describe = (
  facts: HttpFacts,
  from: {
    readonly ip: string | null
    /** JA4, as a trusted proxy handed it on. */
    readonly tls?: string | null
    readonly posted?: string | undefined
  },
) => RequestFacts

export function describer(): Describe {
  const clientFactsOf = clientFactsReader()
  return (facts, { ip, tls = null, posted }) => {
    const headers: Record<string, string | readonly string[]> = {}
    for (const name of RELEVANT_HEADERS) {
      const value = facts.header(name)
      if (value !== undefined) headers[name] = value
    }
    const client: ClientFacts | undefined =
      (posted === undefined ? undefined : parseClientFacts(posted)) ?? clientFactsOf(facts)
    const { method, url } = facts
    const described =
      client === undefined ? { ip, method, url, headers } : { ip, method, url, headers, client }
    return tls === null ? described : { ...described, tls }
  }
}
